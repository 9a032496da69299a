// SPDX-License-Identifier: Apache-2.0

public import ObjectStorage

/// Writes locations with the scheme that Spark's file system wants.
public struct LocationMapping: Hashable, Sendable {
    /// The scheme to write for another one, without `://`.
    public var schemes: [String: String]

    /// Hadoop's file system for S3 is called `s3a`.
    public static let standard = LocationMapping(schemes: ["s3": "s3a"])

    /// Takes the schemes.
    public init(schemes: [String: String]) { self.schemes = schemes }

    /// The location as Spark is to read it; unchanged where nothing is said of its scheme.
    public func mapping(_ location: String) -> String {
        guard let colon = location.firstIndex(of: ":"),
            location[colon...].hasPrefix("://"),
            let scheme = schemes[String(location[..<colon])]
        else { return location }
        return scheme + location[colon...]
    }

    /// A location that Spark wrote, as the catalog writes it.
    public func reading(_ location: String) -> Location {
        guard let colon = location.firstIndex(of: ":"),
            location[colon...].hasPrefix("://"),
            let scheme = schemes.filter({ $0.value == location[..<colon] }).keys.min()
        else { return Location(location) }
        return Location(scheme + location[colon...])
    }
}
