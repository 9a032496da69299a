// SPDX-License-Identifier: Apache-2.0

/// Where a HiveServer2 is, how to reach it, and how long to wait for it.
///
/// Kyuubi, the Spark Thrift Server and HiveServer2 itself all speak this protocol. `description`
/// never shows the password.
public struct HiveServer2Configuration: Hashable, Sendable {
    /// A name or an address.
    public var host: String
    /// The port of the transport: 10000 is usual for binary, 10001 for HTTP; Kyuubi has 10009 and
    /// 10010.
    public var port: Int
    /// How messages travel.
    public var transport: Transport
    /// Who the user is.
    public var authentication: Authentication
    /// Whether the connection is encrypted.
    public var tls: TLS
    /// How long connecting may take, with TLS and authentication.
    public var connectLimit: Duration
    /// How long the reply to a call may take before the server counts as stalled.
    ///
    /// Must exceed ``minimumReplyLimit``, as a server waits so long itself before it says that a
    /// statement still runs.
    public var replyLimit: Duration
    /// The most that is taken from the server.
    public var limits: HiveServer2Limits

    /// The server's own wait within a call for the status, by default (HiveServer2's long poll).
    public static let minimumReplyLimit = Duration.seconds(5)
    /// The user where nobody is named and one is needed.
    public static let defaultUser = "icepack"

    /// How messages travel.
    public enum Transport: Hashable, Sendable {
        /// Over a connection that the session belongs to: when it is lost, so is the session.
        case binary
        /// A POST for each call; sessions do not depend on connections.
        case http(path: String = "cliservice")
    }

    /// Who the user is.
    public enum Authentication: Hashable, Sendable {
        /// The binary transport without any handshake; over HTTP the same as the default user.
        case nosasl
        /// SASL PLAIN over binary, Basic over HTTP.
        ///
        /// A server without authentication wants the form all the same, with any password.
        case plain(user: String, password: String)
    }

    /// Whether the connection is encrypted.
    public enum TLS: Hashable, Sendable {
        /// It is not, and the password travels as it is.
        case off
        /// TLS 1.2 or newer; `authorities` is a PEM file with the certificates to trust instead of
        /// the system's.
        case on(verification: Verification = .full, authorities: String? = nil)

        /// How the server's certificate is checked.
        public enum Verification: Hashable, Sendable {
            /// It must be from a trusted authority and for this host.
            case full
            /// It must be from a trusted authority, for whatever host.
            case anyHost
        }
    }

    /// From parts; only where the server is must be said.
    public init(
        host: String, port: Int, transport: Transport = .binary,
        authentication: Authentication = .plain(user: defaultUser, password: defaultUser),
        tls: TLS = .off, connectLimit: Duration = .seconds(10), replyLimit: Duration = .seconds(30),
        limits: HiveServer2Limits = HiveServer2Limits()
    ) {
        self.host = host
        self.port = port
        self.transport = transport
        self.authentication = authentication
        self.tls = tls
        self.connectLimit = connectLimit
        self.replyLimit = replyLimit
        self.limits = limits
    }

    /// The user in whose name sessions are opened.
    public var user: String {
        switch authentication {
        case .nosasl: Self.defaultUser
        case .plain(let user, _): user
        }
    }

    /// The credentials for Basic, which are needed even when nobody checks them.
    var basicCredentials: (user: String, password: String) {
        switch authentication {
        case .nosasl: (Self.defaultUser, Self.defaultUser)
        case .plain(let user, let password): (user, password)
        }
    }

    /// Refuses what cannot work, before anything is tried.
    func check() throws(HiveServer2Error) {
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 32 && $0 != UInt8(ascii: "/") }) else {
            throw .misuse(reason: "the host must be a name or an address")
        }
        guard (1...65_535).contains(port) else {
            throw .misuse(reason: "the port must be between 1 and 65535")
        }
        guard connectLimit > .zero else {
            throw .misuse(reason: "the limit for connecting must be above zero")
        }
        guard replyLimit > Self.minimumReplyLimit else {
            throw .misuse(reason: "the limit for a reply must exceed \(Self.minimumReplyLimit)")
        }
        if case .http(let path) = transport {
            let allowed = path.utf8.allSatisfy {
                $0 > 32 && $0 < 127 && !"?#\\\"".utf8.contains($0)
            }
            guard allowed else { throw .misuse(reason: "the path has characters of no path") }
        }
        guard case .plain(let user, let password) = authentication else { return }
        guard !user.isEmpty, !user.utf8.contains(0) else {
            throw .misuse(reason: "the user must be named, without U+0000")
        }
        guard !password.isEmpty, !password.utf8.contains(0) else {
            throw .misuse(reason: "the password must not be empty or contain U+0000")
        }
        if case .http = transport, user.contains(":") {
            throw .misuse(reason: "the user of Basic authentication must not contain a colon")
        }
    }
}

extension HiveServer2Configuration: CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The text for people.
    public var description: String {
        let secure = tls == .off ? "" : "s"
        let place = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        switch transport {
        case .binary: return "hive2\(secure)://\(user)@\(place)"
        case .http(let path): return "http\(secure)://\(user)@\(place)/\(path)"
        }
    }

    /// The same text as `description`.
    public var debugDescription: String { description }

    /// Shows the description only: a default mirror would show the password.
    public var customMirror: Mirror { Mirror(self, children: ["server": description]) }
}
