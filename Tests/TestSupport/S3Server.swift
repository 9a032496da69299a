// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Synchronization
import WireFormat

/// A real server of the S3 API, on the loopback address and a port of its own.
public struct S3Server: Sendable {
    /// Which program it is; each is strict where the others are lax.
    public enum Kind: String, CaseIterable, Sendable {
        /// moto, with signatures and policies enforced.
        case moto
        /// `rclone serve s3`, which ignores conditions and answers ranges in its own way.
        case rclone
        /// Ceph's RADOS Gateway, the conformance suite: only by `make test-s3`.
        case ceph
    }

    /// Why there is no server.
    public struct Failure: Error, CustomStringConvertible {
        /// The text for people.
        public let description: String
    }

    /// Which program it is.
    public let kind: Kind
    /// At 127.0.0.1.
    public let port: Int
    /// Names a key that may do everything.
    public let accessKeyID: String
    /// That key's secret.
    public let secretAccessKey: String
    /// With moto, a key that may read objects and nothing else.
    public let reader: (accessKeyID: String, secretAccessKey: String)?

    /// The URL of path-style requests.
    public var endpoint: String { "http://127.0.0.1:\(port)" }

    /// Whether the tests that need one should run.
    ///
    /// They do where its program is, and in CI, where its absence must fail rather than skip. Says
    /// so on standard error when it is false.
    public static func isAvailable(_ kind: Kind) -> Bool {
        let isThere: Bool
        switch kind {
        case .moto: isThere = program("moto_server") != nil
        case .rclone: isThere = program("rclone") != nil
        case .ceph: return environment["ICEPACK_TEST_CEPH"] == "1"
        }
        if isThere || environment["CI"] != nil { return true }
        let warning = "WARNING: tests of S3 with \(kind) are SKIPPED: \(Oracles.reason)\n"
        _ = warning.withCString { write(STDERR_FILENO, $0, strlen($0)) }
        return false
    }

    /// A program beside the Python of the oracles.
    private static func program(_ name: String) -> String? {
        guard let python = Oracles.python else { return nil }
        let path = URL(filePath: python).deletingLastPathComponent().appending(path: name).path
        return FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }

    private static var environment: [String: String] { ProcessInfo.processInfo.environment }

    /// The server that this process's tests share; started on first use.
    public static func shared(_ kind: Kind) async throws -> S3Server {
        let starting = sharedStarts.withLock { tasks in
            if let task = tasks[kind] { return task }
            // Unstructured because it outlives the test that happens to come first.
            let made = Task { try await start(kind) }
            tasks[kind] = made
            return made
        }
        return try await starting.value
    }

    private static let sharedStarts = Mutex<[Kind: Task<S3Server, any Error>]>([:])

    /// Starts a server of its own.
    public static func start(_ kind: Kind) async throws -> S3Server {
        switch kind {
        case .moto: try await startMoto()
        case .rclone: try await startRclone()
        case .ceph: try await startCeph()
        }
    }

    private static let exampleKey = "AKIAIOSFODNN7EXAMPLE"
    private static let exampleSecret = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"

    private static func startMoto() async throws -> S3Server {
        guard let python = Oracles.python, let program = Oracles.find("Tests/Oracles/moto_s3.py")
        else { throw Failure(description: Oracles.reason) }
        let line = try await ServerProcess.launch([python, program], ready: #"{"port""#)
        let reply = try JSONValue(parsing: line).objectValue
        let (user, reader) = (reply?["icepack"]?.objectValue, reply?["reader"]?.objectValue)
        guard let port = reply?["port"]?.intValue, let key = user?["access_key"]?.stringValue,
            let secret = user?["secret_key"]?.stringValue,
            let readerKey = reader?["access_key"]?.stringValue,
            let readerSecret = reader?["secret_key"]?.stringValue
        else { throw Failure(description: "moto said \(line)") }
        return S3Server(
            kind: .moto, port: port, accessKeyID: key, secretAccessKey: secret,
            reader: (readerKey, readerSecret))
    }

    private static func startRclone() async throws -> S3Server {
        guard let rclone = program("rclone") else {
            throw Failure(description: Oracles.reason)
        }
        let command = [
            rclone, "serve", "s3", "--config", "/dev/null", "--addr", "127.0.0.1:0",
            // é and e + ´ are two keys.
            "--no-unicode-normalization", "--auth-key", "\(exampleKey),\(exampleSecret)", "data",
        ]
        let line = try await ServerProcess.launch(command, ready: "Starting s3 server on")
        guard let start = line.firstRange(of: "http://127.0.0.1:")?.upperBound,
            let port = Int(line[start...].prefix { $0.isNumber })
        else { throw Failure(description: "rclone said \(line)") }
        return S3Server(
            kind: .rclone, port: port, accessKeyID: exampleKey, secretAccessKey: exampleSecret,
            reader: nil)
    }

    private static func startCeph() async throws -> S3Server {
        guard let script = Oracles.find("scripts/ceph-rgw") else {
            throw Failure(description: "no scripts/ceph-rgw")
        }
        let line = try await ServerProcess.launch(
            [script, "ceph", exampleKey, exampleSecret], ready: "ready on port", tenths: 1500)
        guard let port = line.split(separator: " ").last.flatMap({ Int($0) }) else {
            throw Failure(description: "the gateway said \(line)")
        }
        return S3Server(
            kind: .ceph, port: port, accessKeyID: exampleKey, secretAccessKey: exampleSecret,
            reader: nil)
    }
}
