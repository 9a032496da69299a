// SPDX-License-Identifier: Apache-2.0

public import HTTPExchange

/// Where a REST catalog is and how it is spoken to.
public struct RESTCatalogSettings: Sendable {
    /// The catalog's name, for messages.
    public var name: String
    /// The root below which `/v1/config` is.
    public var uri: String
    /// What the server is asked for: a name, an ARN, or nil for its only one.
    public var warehouse: String?
    /// How callers prove who they are.
    public var authentication = RESTAuthentication.none
    /// Whether the server is asked to lend credentials for a table's files.
    public var asksForCredentials = true
    /// Limits of calls, and the certificates to trust.
    public var exchange = HTTPExchanger.Settings()

    /// A server without authentication.
    public init(name: String, uri: String, warehouse: String? = nil) {
        self.name = name
        self.uri = uri
        self.warehouse = warehouse
    }
}

/// How callers of a REST catalog prove who they are; no text form shows a secret.
public enum RESTAuthentication: Sendable {
    /// Not at all.
    case none
    /// With a token that somebody else keeps valid.
    case bearer(token: String)
    /// With tokens that are fetched by the client credentials grant of OAuth2.
    case clientCredentials(OAuthClient)
    /// With a signature of each request.
    case signature(CallSigning)
}

/// A client that OAuth2 knows.
public struct OAuthClient: Hashable, Sendable {
    /// Nil where the secret alone is the credential.
    public let id: String?
    /// Never shown.
    public let secret: String
    /// What the token is to be good for.
    public let scope: String
    /// Where tokens are given out; nil for the catalog's own `/v1/oauth/tokens`.
    public let tokenURI: String?

    /// The scope that Iceberg's clients ask for.
    public static let usualScope = "catalog"

    /// Reads a credential, `id:secret` or the secret alone.
    public init(credential: String, scope: String? = nil, tokenURI: String? = nil) {
        let parts = credential.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        id = parts.count == 2 ? String(parts[0]) : nil
        secret = String(parts.last ?? "")
        self.scope = scope ?? Self.usualScope
        self.tokenURI = tokenURI
    }
}

extension OAuthClient: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The id alone.
    public var description: String { "OAuth client \(id ?? "without id")" }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// No secret either, whoever looks.
    public var customMirror: Mirror { Mirror(self, children: ["id": id ?? ""]) }
}

extension RESTAuthentication: CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The kind alone.
    public var description: String {
        switch self {
        case .none: "no authentication"
        case .bearer: "a bearer token"
        case .clientCredentials(let client): client.description
        case .signature: "signatures"
        }
    }

    /// The same as ``description``.
    public var debugDescription: String { description }

    /// No secret either, whoever looks.
    public var customMirror: Mirror { Mirror(self, children: ["kind": description]) }
}
