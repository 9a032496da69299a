// SPDX-License-Identifier: Apache-2.0

import AWSSigning
import AsyncHTTPClient
import Logging
import NIOCore
import NIOHTTP1
import ObjectStorage
import TestSupport

@testable import S3Storage

/// A storage over one of the real servers, and a bucket of its own in it.
struct TestStore {
    let server: S3Server
    let bucket: String
    let storage: S3Storage

    /// The bucket as a location.
    var root: Location { Location("s3://\(bucket)") }

    /// - Parameter port: Where the storage sends its calls, if not to the server itself.
    init(
        _ kind: S3Server.Kind, port: Int? = nil, reader: Bool = false,
        _ change: (inout S3Settings) -> Void = { _ in }
    ) async throws {
        server = try await S3Server.shared(kind)
        bucket = "b\(UInt64.random(in: 0 ... .max))"
        var settings = try Self.settings(server, port: port)
        change(&settings)
        let credentials =
            reader
            ? server.reader.map {
                AWSCredentials(accessKeyID: $0.accessKeyID, secretAccessKey: $0.secretAccessKey)
            } : nil
        storage = S3Storage(
            settings, credentials: CredentialsCache(credentials ?? Self.credentials(server)),
            logger: Self.logger)
        try await makeBucket(bucket)
    }

    static func settings(_ server: S3Server, port: Int? = nil) throws -> S3Settings {
        let url = "http://127.0.0.1:\(port ?? server.port)"
        var settings = S3Settings(
            endpoint: try S3Endpoint(url: url, style: .path), region: "us-east-1")
        settings.retry = RetryPolicy(
            attempts: 4, firstDelay: .milliseconds(5), longestDelay: .milliseconds(20))
        settings.silenceLimit = .seconds(20)
        // The one that keeps to no condition is used as the documentation says.
        if server.kind == .rclone { settings.conditionalWrites = .lookFirst }
        return settings
    }

    static func credentials(_ server: S3Server) -> AWSCredentials {
        AWSCredentials(
            accessKeyID: server.accessKeyID, secretAccessKey: server.secretAccessKey)
    }

    static var logger: Logger {
        var logger = Logger(label: "test.s3")
        logger.logLevel = .critical
        return logger
    }

    /// Not through the proxy, and by the client that the storage uses as well.
    private func makeBucket(_ name: String) async throws {
        let client = S3Client(
            try Self.settings(server), credentials: CredentialsCache(Self.credentials(server)),
            logger: Self.logger, now: systemMilliseconds)
        _ = try await client.call(S3Request("PUT", name)) { _ throws(CallFailure) in }
    }

    /// All objects under a prefix, sorted.
    func all(_ prefix: String = "") async throws -> [ObjectInfo] {
        var found: [ObjectInfo] = []
        let location = prefix.isEmpty ? root : root.appending(prefix)
        for try await info in storage.list(location) { found.append(info) }
        return found.sorted { $0.location < $1.location }
    }
}
