// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
import Synchronization
import SystemPackage
import TestSupport
import Testing
import WireFormat

/// The built executable, run in processes of its own with no environment but what a test gives.
struct Product {
    /// What every process is given; ICEPACK_* keys mostly.
    var environment: [String: String]
    /// Where the processes run and leave their logs.
    let folder: URL

    /// The executable that the build put beside the tests.
    static func executable() throws -> String {
        let runner = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let built = URL(fileURLWithPath: runner).deletingLastPathComponent()
            .appendingPathComponent("icepack").path
        return try #require(
            FileManager.default.isExecutableFile(atPath: built) ? built : nil,
            "the executable icepack must be built beside the tests")
    }

    /// Runs a command to its end.
    func run(_ arguments: String...) async throws -> Finished {
        try await run(arguments)
    }

    /// Makes an empty folder, for whoever removes it.
    static func makeFolder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "icepack-product-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    /// Runs a command to its end.
    func run(_ arguments: [String]) async throws -> Finished {
        let result = try await Subprocess.run(
            .path(FilePath(try Self.executable())), arguments: Arguments(arguments),
            environment: processEnvironment, workingDirectory: FilePath(folder.path),
            output: .string(limit: 64 << 20), error: .string(limit: 16 << 20))
        return Finished(
            status: result.terminationStatus, output: result.standardOutput,
            errors: result.standardError)
    }

    /// Runs a command to its end on a terminal of its own, and returns what that shows.
    func runOnTerminal(_ arguments: String...) async throws -> String {
        let command = ([try Self.executable()] + arguments).joined(separator: " ")
        let result = try await Subprocess.run(
            .name("script"), arguments: ["-qec", command, "/dev/null"],
            environment: processEnvironment, workingDirectory: FilePath(folder.path),
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        try #require(result.terminationStatus.isSuccess, "\(result.standardError)")
        return result.standardOutput
    }

    /// Runs a command to its end, and says how much memory it had at most.
    func measured(_ arguments: [String]) async throws -> Measured {
        let command =
            [try Oracles.pythonPath(), "-I", "-S", try Oracles.program("measured.py")]
            + [try Self.executable()] + arguments
        let result = try await Subprocess.run(
            .name("env"), arguments: Arguments(command),
            environment: processEnvironment, workingDirectory: FilePath(folder.path),
            output: .bytes(limit: 64 << 20), error: .string(limit: 16 << 20))
        try #require(result.terminationStatus.isSuccess, "\(result.standardError)")
        let report = try #require(try JSONValue(parsing: result.standardOutput).objectValue)
        return Measured(
            code: try #require(report["code"]?.intValue),
            errors: try #require(report["errors"]?.stringValue),
            peakBytes: try #require(report["peak_bytes"]?.int64Value))
    }

    /// Starts a command that runs until it is told to stop; its standard error goes to a file.
    func start(_ arguments: String..., name: String) async throws -> RunningProcess {
        try await RunningProcess.start(
            executable: try Self.executable(), arguments: arguments,
            environment: processEnvironment, folder: folder, name: name)
    }

    /// The address of a service once it says that it is ready.
    func address(of service: RunningProcess) async throws -> String {
        let found = Mutex("")
        try await eventually("the service is ready", limit: .seconds(60)) {
            guard let match = service.log.firstMatch(of: /url=(http:[^\s"]+)/) else {
                return false
            }
            let url = String(match.1)
            guard await ProductFixture.status(of: url + "/readyz") == 200 else { return false }
            found.withLock { $0 = url }
            return true
        }
        return found.withLock { $0 }
    }

    private var processEnvironment: Subprocess.Environment {
        var values: [Subprocess.Environment.Key: String] = [:]
        for (key, value) in environment { values[.init(stringLiteral: key)] = value }
        for key in ["PATH", "HOME", "LD_LIBRARY_PATH"] {
            values[.init(stringLiteral: key)] = ProcessInfo.processInfo.environment[key]
        }
        return .custom(values)
    }
}

/// What a finished command left.
struct Finished {
    let status: TerminationStatus
    let output: String
    let errors: String

    /// The exit code; 128 and the signal's number for a process that a signal ended, as shells say.
    var code: Int32 {
        switch status {
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        }
    }
}

/// What a finished command left, and the most memory that it had.
struct Measured {
    let code: Int
    let errors: String
    let peakBytes: Int64
}

/// A process that runs until it is told to stop.
final class RunningProcess: Sendable {
    let pid: pid_t
    let logFile: URL
    private let end: Task<TerminationStatus, any Error>

    private init(pid: pid_t, logFile: URL, end: Task<TerminationStatus, any Error>) {
        self.pid = pid
        self.logFile = logFile
        self.end = end
    }

    static func start(
        executable: String, arguments: [String], environment: Subprocess.Environment, folder: URL,
        name: String
    ) async throws -> RunningProcess {
        let logFile = folder.appendingPathComponent("\(name).log")
        let log = try FileDescriptor.open(
            FilePath(logFile.path), .writeOnly, options: [.create, .append],
            permissions: .ownerReadWrite)
        let (started, continuation) = AsyncThrowingStream<pid_t, any Error>.makeStream()
        // Unstructured because the process outlives this call; `wait` joins it.
        let end = Task {
            do {
                let result = try await Subprocess.run(
                    .path(FilePath(executable)), arguments: Arguments(arguments),
                    environment: environment, workingDirectory: FilePath(folder.path), input: .none,
                    output: .fileDescriptor(log, closeAfterSpawningProcess: false),
                    error: .fileDescriptor(log, closeAfterSpawningProcess: true)
                ) { execution in
                    continuation.yield(execution.processIdentifier.value)
                    continuation.finish()
                }
                return result.terminationStatus
            } catch {
                continuation.finish(throwing: error)
                throw error
            }
        }
        for try await pid in started { return RunningProcess(pid: pid, logFile: logFile, end: end) }
        throw CancellationError()
    }

    /// Sends a signal by number.
    ///
    /// A process that is already gone is no error.
    func send(_ signal: Int32) { kill(pid, signal) }

    /// Waits for the end.
    @discardableResult
    func wait() async throws -> TerminationStatus { try await end.value }

    /// Everything it wrote.
    var log: String { (try? String(contentsOf: logFile, encoding: .utf8)) ?? "" }
}
