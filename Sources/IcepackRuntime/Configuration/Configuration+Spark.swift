// SPDX-License-Identifier: Apache-2.0

public import SparkEngine

extension Configuration {
    /// The Spark server that runs Iceberg's procedures.
    public struct SparkSettings: Hashable, Sendable {
        /// How statements travel.
        public enum Transport: String, CaseIterable, Hashable, Sendable {
            case binary, http
        }

        /// How the user is named.
        public enum Authentication: String, CaseIterable, Hashable, Sendable {
            /// SASL PLAIN, or Basic over HTTP.
            case plain
            /// Not at all.
            case nosasl
        }

        /// What answers: it decides which session settings are sent and how cancel stops work.
        public enum Server: String, CaseIterable, Hashable, Sendable {
            /// Kyuubi, with an engine of its own for each job.
            case kyuubi
            /// Spark Thrift Server or HiveServer2: one application for all.
            case thriftserver
        }

        /// Host name or address.
        public let host: String
        /// TCP port.
        public let port: Int
        /// How statements travel.
        public let transport: Transport
        /// How the user is named.
        public let authentication: Authentication
        /// The user's name.
        public let user: String
        /// Never shown.
        public let password: String?
        /// The name of the catalog in Spark.
        public let catalog: String
        /// Whether the connection is encrypted.
        public let usesTLS: Bool
        /// Certificates to trust instead of the system's.
        public let certificateFile: String?
        /// Spark's own web interface, for progress and for stopping jobs.
        public let uiURL: String?
        /// Kyuubi's REST interface, for stopping engines.
        public let adminURL: String?
        /// What answers.
        public let server: Server
        /// The Iceberg release on the server.
        public let icebergVersion: IcebergVersion
        /// What `s3://` is called in Spark's file systems.
        public let locationScheme: String
        /// After which a statement is stopped.
        public let operationLimit: Duration
    }

    static func readSpark(
        _ reader: inout ConfigurationReader, catalogName: String
    ) -> SparkSettings? {
        // Checked even without a host, so that a mistake shows before it matters.
        let transport = reader.choice(.sparkTransport, SparkSettings.Transport.binary)
        let authentication = reader.choice(.sparkAuth, SparkSettings.Authentication.plain)
        let port =
            reader.text(.sparkPort) == nil
            ? (transport == .binary ? 10009 : 10010) : reader.integer(.sparkPort, 1...65_535)
        let settings = SparkSettings(
            host: reader.text(.sparkHost) ?? "", port: port, transport: transport,
            authentication: authentication, user: reader.required(.sparkUser),
            password: reader.text(.sparkPassword),
            catalog: reader.text(.sparkCatalog) ?? catalogName, usesTLS: reader.boolean(.sparkTLS),
            certificateFile: reader.text(.sparkTLSCAFile), uiURL: reader.webAddress(.sparkUIURL),
            adminURL: reader.webAddress(.sparkAdminURL),
            server: reader.choice(.sparkServer, SparkSettings.Server.kyuubi),
            icebergVersion: reader.icebergVersion(.sparkIcebergVersion),
            locationScheme: reader.scheme(.sparkLocationScheme),
            // Below the time after which a table is no longer held for what may still run.
            operationLimit: reader.duration(
                milliseconds: .socketTimeoutMs, 1000...longestOperationMilliseconds))
        if transport == .http, authentication == .nosasl {
            reader.fail(
                .sparkAuth, "cannot be nosasl over http: servers want a user there; set plain")
        }
        if settings.certificateFile != nil, !settings.usesTLS {
            reader.fail(.sparkTLSCAFile, "has no effect without TLS: set ICEPACK_SPARK_TLS=true")
        }
        if settings.host.isEmpty {
            reader.failWithoutEffect(Self.sparkKeys, because: "ICEPACK_SPARK_HOST")
            return nil
        }
        return settings
    }

    /// An hour less than ``Jobs/SweepPolicy/engineHoldLimit``, in milliseconds.
    static var longestOperationMilliseconds: Int { 23 * 60 * 60 * 1000 }

    /// The keys that mean nothing without a host.
    private static let sparkKeys: [ConfigurationKey] = [
        .sparkPort, .sparkTransport, .sparkAuth, .sparkUser, .sparkPassword, .sparkCatalog,
        .sparkTLS, .sparkTLSCAFile, .sparkUIURL, .sparkAdminURL, .sparkServer,
        .sparkIcebergVersion, .sparkLocationScheme,
    ]
}

extension ConfigurationReader {
    /// Notes each of these keys that somebody set although another one is not.
    mutating func failWithoutEffect(_ keys: [ConfigurationKey], because missing: String) {
        for key in keys where isSet(key) {
            fail(key, "has no effect without \(missing): set that too")
        }
    }

    /// An `http://` or `https://` URL without the slash at its end; nil if it is not set.
    mutating func webAddress(_ key: ConfigurationKey) -> String? {
        guard var text = text(key) else { return nil }
        guard text.hasPrefix("http://") || text.hasPrefix("https://") else {
            fail(key, "must begin with http:// or https://, not \"\(text.prefix(16))\"")
            return nil
        }
        while text.hasSuffix("/") { text.removeLast() }
        return text
    }

    /// A release whose procedures are known, such as `1.10`.
    fileprivate mutating func icebergVersion(_ key: ConfigurationKey) -> IcebergVersion {
        let text = required(key)
        guard text.split(separator: ".", omittingEmptySubsequences: false).count == 2,
            let version = IcebergVersion(text)
        else {
            fail(
                key,
                "must be two numbers such as 1.10, and \(IcebergVersion.oldest) or newer, not "
                    + "\"\(text)\"")
            return .assumed
        }
        return version
    }

    /// The scheme of a URI.
    fileprivate mutating func scheme(_ key: ConfigurationKey) -> String {
        let text = required(key).lowercased()
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let isScheme =
            text.utf8.first.map(letters.contains) == true
            && text.utf8.allSatisfy { letters.contains($0) || digits.contains($0) }
        if !isScheme { fail(key, "must be a scheme such as s3a, not \"\(text)\"") }
        return text
    }

    /// A duration in whole milliseconds.
    fileprivate mutating func duration(
        milliseconds key: ConfigurationKey, _ range: ClosedRange<Int>
    ) -> Duration {
        .milliseconds(integer(key, range))
    }
}
