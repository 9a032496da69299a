// SPDX-License-Identifier: Apache-2.0

public import ObjectStorage

/// What a catalog says about reaching a table's files: settings, and credentials that it lends.
///
/// Keys and values are those of the REST catalog protocol, such as `s3.access-key-id`. They may be
/// secret, so no text form shows a value. Lent credentials end; load the table again for new ones.
public struct StorageAccess: Hashable, Sendable {
    /// Credentials for whatever lies under a prefix.
    public struct Credentials: Hashable, Sendable {
        /// Where they are good; compared byte by byte with the beginning of a location.
        public let prefix: String
        /// The credentials, and settings that go with them.
        public let properties: [String: String]

        /// Pairs a prefix with properties.
        public init(prefix: String, properties: [String: String]) {
            self.prefix = prefix
            self.properties = properties
        }
    }

    /// What holds for every location of the table.
    public let properties: [String: String]
    /// What holds under prefixes, in the catalog's order.
    public let credentials: [Credentials]

    /// Takes every field.
    public init(properties: [String: String] = [:], credentials: [Credentials] = []) {
        self.properties = properties
        self.credentials = credentials
    }

    /// The catalog says nothing.
    public static let none = StorageAccess()

    /// What holds for a location: the properties of the longest prefix over those of the table.
    public func properties(for location: Location) -> [String: String] {
        let text = location.rawValue.utf8
        let closest = credentials.filter { text.starts(with: $0.prefix.utf8) }.max {
            $0.prefix.utf8.count < $1.prefix.utf8.count
        }
        return properties.merging(closest?.properties ?? [:]) { $1 }
    }
}

extension StorageAccess: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The names of the settings alone.
    public var description: String {
        let own = properties.keys.sorted().joined(separator: ", ")
        return "storage access (\(own)), credentials for \(credentials.count) prefixes"
    }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// No value either, whoever looks.
    public var customMirror: Mirror { Mirror(self, children: ["access": description]) }
}

extension StorageAccess.Credentials: CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The prefix and the names of the settings.
    public var description: String {
        "credentials for \(prefix) (\(properties.keys.sorted().joined(separator: ", ")))"
    }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// No value either, whoever looks.
    public var customMirror: Mirror { Mirror(self, children: ["credentials": description]) }
}
