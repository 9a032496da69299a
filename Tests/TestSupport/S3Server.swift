// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Subprocess
import Synchronization
import WireFormat

/// A real server of the S3 API, on the loopback address and a port of its own.
///
/// A small shell process watches the test process and, when that is gone for whatever reason
/// (SIGKILL included), stops the server by its process id and removes its files.
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
        let line = try await launch([python, program], ready: #"{"port""#)
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
        let line = try await launch(command, ready: "Starting s3 server on")
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
        let line = try await launch(
            [script, "ceph", exampleKey, exampleSecret], ready: "ready on port", tries: 1500)
        guard let port = line.split(separator: " ").last.flatMap({ Int($0) }) else {
            throw Failure(description: "the gateway said \(line)")
        }
        return S3Server(
            kind: .ceph, port: port, accessKeyID: exampleKey, secretAccessKey: exampleSecret,
            reader: nil)
    }

    /// Starts a program in a folder of its own and waits for the line by which it is ready.
    private static func launch(
        _ command: [String], ready: String, tries: Int = 600
    ) async throws -> String {
        let folder = "/tmp/icepack-s3-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        let result = try await Subprocess.run(
            .name("sh"),
            arguments: Arguments(
                ["-c", script, "sh", folder, String(getpid()), ready, String(tries)] + command),
            output: .string(limit: 1 << 16), error: .string(limit: 1 << 20))
        guard result.terminationStatus.isSuccess else {
            throw Failure(description: "no S3 server: \(result.standardError)")
        }
        return result.standardOutput
    }

    /// Arguments: a new folder, the process to watch, the text of the ready line, how many tenths
    /// of a second it may take, and the command.
    private static let script = #"""
        dir=$1; watched=$2; ready=$3; tries=$4; shift 4
        mkdir -p "$dir/data" && cd "$dir" || exit 1
        # A zombie counts as gone: nobody may ever reap it.
        alive() {
            state=$(sed 's/.*) \(.\).*/\1/' "/proc/$watched/stat" 2>/dev/null) || return 1
            [ -n "$state" ] && [ "$state" != Z ]
        }
        serve() {
            "$@" >"$dir/log" 2>&1 </dev/null & server=$!
            trap '' INT HUP TERM
            while alive && kill -0 "$server" 2>/dev/null; do sleep 0.3; done
            kill "$server" 2>/dev/null
            wait "$server"
            cd /; alive || rm -rf "$dir"
        }
        serve "$@" >/dev/null 2>&1 </dev/null &
        supervisor=$!
        while [ "$tries" -gt 0 ]; do
            line=$(grep -m 1 -F "$ready" "$dir/log" 2>/dev/null) && { echo "$line"; exit 0; }
            kill -0 "$supervisor" 2>/dev/null || break
            tries=$((tries - 1)); sleep 0.1
        done
        tail -n 20 "$dir/log" >&2
        exit 1
        """#
}
