// SPDX-License-Identifier: Apache-2.0

internal import CPQ

/// Where a database is and how to reach it.
///
/// Holds libpq's connection parameters by name; `description` shows user, host, port and database
/// and never a password.
public struct PostgresConfiguration: Hashable, Sendable, CustomStringConvertible,
    CustomDebugStringConvertible, CustomReflectable
{
    /// How long the server may work on one statement; the server enforces it.
    public var statementTimeout: Duration = .seconds(30)
    /// How much longer the client waits for the reply before it takes the server for dead.
    public var replyGrace: Duration = .seconds(5)
    /// How long one attempt to connect may take; at least 2 seconds, which is libpq's own minimum.
    public var connectTimeout: Duration = .seconds(5)

    private var parameters: [String: String]

    /// From a URL such as `postgres://user:password@host:5432/database?sslmode=require`, with every
    /// parameter that libpq knows (libpq manual, "Connection URIs").
    ///
    /// - Throws: ``PostgresError/misuse(reason:)`` saying what is wrong, without quoting the URL.
    public init(url: String) throws(PostgresError) {
        guard url.hasPrefix("postgres://") || url.hasPrefix("postgresql://") else {
            throw .misuse(reason: "a database URL starts with postgres:// or postgresql://")
        }
        guard !url.utf8.contains(0) else { throw .misuse(reason: "a database URL contains U+0000") }
        parameters = try Self.parse(url)
    }

    /// From parts.
    ///
    /// More of libpq's parameters, such as `sslmode`, go into `parameters`.
    public init(
        host: String, port: Int = 5432, database: String, user: String, password: String? = nil,
        parameters: [String: String] = [:]
    ) {
        self.parameters = parameters
        self.parameters["host"] = host
        self.parameters["port"] = String(port)
        self.parameters["dbname"] = database
        self.parameters["user"] = user
        self.parameters["password"] = password
    }

    /// The text for people.
    public var description: String {
        let user = parameters["user"].map { "\($0)@" } ?? ""
        let host = parameters["host"] ?? parameters["hostaddr"] ?? ""
        let port = parameters["port"].map { ":\($0)" } ?? ""
        return "postgres://\(user)\(host)\(port)/\(parameters["dbname"] ?? "")"
    }

    /// The same text as `description`.
    public var debugDescription: String { description }

    /// Shows the description only: a default mirror would show the password.
    public var customMirror: Mirror { Mirror(self, children: ["url": description]) }

    /// What libpq is given: the caller's parameters, over defaults that notice a dead peer within
    /// a minute, under the settings that reading results relies on.
    var connectionParameters: [String: String] {
        var all = [
            "application_name": "icepack", "keepalives_idle": "30", "keepalives_interval": "10",
            "keepalives_count": "3", "tcp_user_timeout": "15000",
        ]
        all.merge(parameters) { _, given in given }
        if all["connect_timeout"] == nil {
            all["connect_timeout"] = String(max(2, connectTimeout.milliseconds / 1000))
        }
        all["client_encoding"] = "UTF8"
        all["options"] = [
            "-c statement_timeout=\(statementTimeout.milliseconds)",
            // A paused process must not hold row locks for ever.
            "-c idle_in_transaction_session_timeout=60000",
            parameters["options"],
            "-c TimeZone=UTC -c DateStyle=ISO -c extra_float_digits=1",
        ].compactMap(\.self).joined(separator: " ")
        return all
    }

    private static func parse(_ url: String) throws(PostgresError) -> [String: String] {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(url, &message) else {
            defer { PQfreemem(message) }
            let text = message.map { String(cString: $0) } ?? "unreadable"
            throw .misuse(reason: "database URL: \(unquoted(text))")
        }
        defer { PQconninfoFree(options) }
        var parameters: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val {
                parameters[String(cString: keyword)] = String(cString: value)
            }
            option += 1
        }
        return parameters
    }

    /// Libpq quotes the part of the URL that it dislikes, which may be part of the password.
    private static func unquoted(_ message: String) -> String {
        let pieces = message.split(separator: "\"", omittingEmptySubsequences: false)
        return pieces.enumerated().map { $0.offset % 2 == 0 ? String($0.element) : "…" }.joined()
            .split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}

extension Duration {
    /// Whole milliseconds, rounded down; what does not fit is the largest number.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflowed) = seconds.multipliedReportingOverflow(by: 1000)
        return overflowed ? .max : whole + attoseconds / 1_000_000_000_000_000
    }
}
