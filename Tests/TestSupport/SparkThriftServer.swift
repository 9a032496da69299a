// SPDX-License-Identifier: Apache-2.0

public import Foundation
import Glibc
import Subprocess
import WireFormat

/// A real Spark Thrift Server with Iceberg, on the loopback address and ephemeral ports.
///
/// It speaks all three transports at once, each at a port of its own; a value of this type is the
/// server as one of them reaches it. It has two catalogs below ``folder``: `lab` in Hadoop's
/// layout, and `sq`, a JDBC catalog over a SQLite file. Starting one takes some 12 seconds and a
/// gigabyte of memory, so one serves all suites; it goes away with ``stop()``, or with the test
/// process, however that ends.
public struct SparkThriftServer: Sendable {
    /// How clients speak to it.
    public enum Transport: String, CaseIterable, Sendable {
        /// Binary without a handshake.
        case binaryNoSASL = "nosasl"
        /// Binary after SASL PLAIN; any password is right.
        case binaryPlain = "plain"
        /// A POST for each call; any password is right.
        case http
    }

    /// Which Iceberg it has.
    public enum Iceberg: String, CaseIterable, Sendable {
        /// 1.10.
        case current = "1.10"
        /// 1.9.
        case older = "1.9"
    }

    /// What there is to choose.
    public struct Options: Hashable, Sendable {
        /// How clients speak to it.
        public var transport: Transport
        /// Which Iceberg it has.
        public var iceberg: Iceberg
        /// Spark's `master`; `local[1]` is a slow one.
        public var master = "local[2]"
        /// How long a question for the status waits at the server.
        public var longPolling = Duration.seconds(5)
        /// More of Spark's settings.
        public var settings: [String: String] = [:]

        /// A server with two threads.
        public init(_ transport: Transport, iceberg: Iceberg = .current) {
            self.transport = transport
            self.iceberg = iceberg
        }

        /// Whether one server does for both, be it over another transport.
        func isServed(by other: Options) -> Bool {
            var same = other
            same.transport = transport
            return self == same
        }
    }

    /// Why there is no server, with the end of its log.
    public struct Failure: Error, CustomStringConvertible {
        /// The text for people.
        public let description: String
    }

    /// What it was started with.
    public private(set) var options: Options
    /// Where its tables, its catalog and its log are.
    public let folder: URL
    /// The port of HiveServer2's protocol over the transport, at 127.0.0.1.
    public private(set) var port: Int
    private let ports: [Transport: Int]
    /// Spark's own interface, with its REST API and the means to kill jobs.
    public let uiURL: String
    /// The Java process.
    public let pid: Int32
    /// Spark's and Iceberg's versions, for people.
    public let versions: String

    /// The folder of the tables of `lab`.
    public var labWarehouse: String { folder.appending(path: "lab").path }
    /// The folder of the tables of `sq`.
    public var sqWarehouse: String { folder.appending(path: "sq").path }
    /// The catalog file of `sq`, as SQLAlchemy and Icepack write it.
    public var catalogURI: String { "sqlite:///\(folder.appending(path: "catalog.db").path)" }

    /// Whether Spark was asked for: by `make test-spark`.
    public static var isWanted: Bool { Oracles.comparesWithSpark }

    /// Starts a server in a new folder and waits until it accepts sessions.
    public static func start(_ options: Options) async throws -> SparkThriftServer {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "icepack-thrift-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return try await start(options, in: folder, ports: [:], uiPort: 0)
    }

    /// The same server as another transport reaches it.
    public func over(_ transport: Transport) -> SparkThriftServer {
        var server = self
        server.options.transport = transport
        server.port = ports[transport] ?? port
        return server
    }

    /// Starts it again, on the same tables and the same ports, after it is gone.
    @discardableResult
    public func restarted() async throws -> SparkThriftServer {
        try await waitForEnd()
        let uiPort = URL(string: uiURL)?.port ?? 0
        let server = try await Self.start(options, in: folder, ports: ports, uiPort: uiPort)
        SparkTurn.keep(server)
        return server
    }

    /// Ends it at once, stopped or not, and removes its folder.
    public func stop() async throws {
        kill(pid, SIGKILL)
        try await waitForEnd()
        try FileManager.default.removeItem(at: folder)
    }

    /// Whether the Java process is there, stopped or not.
    public var isRunning: Bool { Self.isAlive(pid) }

    /// Sends the Java process a signal by number.
    public func send(_ signal: Int32) { kill(pid, signal) }

    /// The end of its log, for the message of a test that failed.
    public var logTail: String { Self.logTail(in: folder) }

    private func waitForEnd() async throws {
        try await eventually("the Thrift Server ends") { !Self.isAlive(pid) }
    }
}

extension SparkThriftServer {
    /// How long Spark may take to start on a busy machine.
    private static let startLimit = Duration.seconds(240)
    private static let logTailCharacters = 4000

    private static func start(
        _ options: Options, in folder: URL, ports: [Transport: Int], uiPort: Int
    ) async throws -> SparkThriftServer {
        let arguments =
            [
                try Oracles.sparkPython(), try Oracles.program("thrift_server.py"), "--folder",
                folder.path, "--iceberg", options.iceberg.rawValue, "--master", options.master,
                "--long-polling", "\(Int(options.longPolling / .milliseconds(1)))", "--ui-port",
                "\(uiPort)", "--watch", "\(getpid())",
            ]
            + ports.flatMap { ["--port", "\($0.key.rawValue)=\($0.value)"] }
            + options.settings.sorted { $0.key < $1.key }.flatMap {
                ["--setting", "\($0.key)=\($0.value)"]
            }
        let ready = folder.appending(path: "ready.json")
        try? FileManager.default.removeItem(at: ready)
        // In the background of a shell that ends, as the server outlives this call; it watches
        // this process itself. The files are there before the shell ends, for whoever reads them.
        let result = try await Subprocess.run(
            .name("sh"),
            arguments: Arguments(
                [
                    "-c",
                    #"""
                    cd "$1"; shift; : >ready.json
                    "$@" >>ready.json 2>>spark.log </dev/null & echo $!
                    """#,
                    "sh", folder.path,
                ] + arguments),
            output: .string(limit: 100), error: .string(limit: 1 << 16))
        guard
            let parent = Int32(
                result.standardOutput.trimmingCharacters(in: .whitespaces.union(.newlines)))
        else { throw Failure(description: result.standardError) }
        do {
            let facts = try await report(of: parent, in: ready)
            return try SparkThriftServer(options, folder, facts)
        } catch {
            // The Java process ends with the program that started it.
            kill(parent, SIGKILL)
            throw Failure(description: "\(error)\n\(logTail(in: folder))")
        }
    }

    private init(_ options: Options, _ folder: URL, _ facts: JSONValue) throws {
        var ports: [Transport: Int] = [:]
        for transport in Transport.allCases {
            ports[transport] = facts.objectValue?["ports"]?.objectValue?[transport.rawValue]?
                .int64Value.map { Int($0) }
        }
        guard let facts = facts.objectValue, let port = ports[options.transport],
            ports.count == Transport.allCases.count, let pid = facts["pid"]?.int64Value,
            let uiURL = facts["ui"]?.stringValue,
            let spark = facts["spark"]?.stringValue, let iceberg = facts["iceberg"]?.stringValue
        else { throw Failure(description: "not what thrift_server.py should print: \(facts)") }
        self.options = options
        self.folder = folder
        self.port = port
        self.ports = ports
        self.pid = Int32(pid)
        self.uiURL = uiURL
        versions = "Spark \(spark), Iceberg \(iceberg)"
    }

    private static func report(of parent: Int32, in file: URL) async throws -> JSONValue {
        try await eventually("the Thrift Server starts", limit: startLimit) {
            guard isAlive(parent) else {
                throw Failure(description: "the Thrift Server did not start")
            }
            return try Data(contentsOf: file).last == UInt8(ascii: "\n")
        }
        return try JSONValue(parsing: String(contentsOf: file, encoding: .utf8))
    }

    private static func logTail(in folder: URL) -> String {
        let file = folder.appending(path: "spark.log")
        let log = (try? String(contentsOf: file, encoding: .utf8)) ?? "no log at \(file.path)"
        return String(log.suffix(logTailCharacters))
    }

    /// Whether a process runs; one that nobody has reaped yet does not.
    private static func isAlive(_ pid: Int32) -> Bool {
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let end = stat.lastIndex(of: ")")
        else { return false }
        return !["Z", "X"].contains(String(stat[end...].dropFirst(2).prefix(1)))
    }
}
