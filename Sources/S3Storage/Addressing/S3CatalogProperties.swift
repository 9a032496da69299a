// SPDX-License-Identifier: Apache-2.0

public import AWSSigning

/// What a catalog says about reaching a table's files in S3, by the names of the REST protocol:
/// `s3.access-key-id` and its kin.
///
/// Values may be secret: no text form of it shows one.
public struct S3CatalogProperties: Sendable {
    private let properties: [String: String]

    /// Takes what the catalog said; names that are not about S3 are passed over.
    public init(_ properties: [String: String]) {
        self.properties = properties.filter { !$0.value.isEmpty }
    }

    /// The credentials that the catalog lends; nil if it lends none.
    ///
    /// - Throws: ``CredentialsError/unusable(reason:)`` for one half of a pair.
    public func credentials() throws(CredentialsError) -> AWSCredentials? {
        switch (properties["s3.access-key-id"], properties["s3.secret-access-key"]) {
        case (let id?, let secret?):
            return AWSCredentials(
                accessKeyID: id, secretAccessKey: secret,
                sessionToken: properties["s3.session-token"],
                expiresAtMilliseconds: properties["s3.session-token-expires-at-ms"]
                    .flatMap { Int64($0) })
        case (nil, nil): return nil
        case (.some, nil):
            throw .unusable(reason: "the catalog lends s3.access-key-id and no secret")
        case (nil, .some):
            throw .unusable(reason: "the catalog lends s3.secret-access-key and no key id")
        }
    }

    /// The settings with the catalog's region and endpoint in place of the usual ones.
    ///
    /// - Parameter keepingEndpoint: Whether somebody set the endpoint, who knows better.
    /// - Throws: ``S3Endpoint/Invalid`` for an endpoint that is none.
    public func applied(
        to settings: S3Settings, keepingEndpoint: Bool
    ) throws(S3Endpoint.Invalid) -> S3Settings {
        var settings = settings
        let isPathStyle = properties["s3.path-style-access"].map { $0.lowercased() == "true" }
        if let region = properties["s3.region"] ?? properties["client.region"] {
            settings.region = region
        }
        guard !keepingEndpoint else { return settings }
        if let url = properties["s3.endpoint"] {
            settings.endpoint = try S3Endpoint(
                url: url, style: isPathStyle == false ? .virtualHost : .path)
        } else {
            settings.endpoint = S3Endpoint(
                region: settings.region, style: isPathStyle == true ? .path : .virtualHost)
        }
        return settings
    }
}

extension S3CatalogProperties: CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The names alone.
    public var description: String { properties.keys.sorted().joined(separator: ", ") }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// No value either, whoever looks.
    public var customMirror: Mirror { Mirror(self, children: ["names": description]) }
}
