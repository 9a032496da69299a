// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
public import WireFormat

/// The programs in `Tests/Oracles`: writers and readers of tables that share no code with us.
///
/// They run with the Python that `scripts/python-env` made. Use ``isAvailable`` with
/// `.enabled(if:)`: without that Python the tests show as skipped, and in continuous integration
/// (`CI` is set) they run and fail instead.
public enum Oracles {
    /// Why tests were skipped.
    public static let reason = "no .venv: run scripts/python-env"

    /// The most bytes that a program may print.
    static let outputLimit = 1 << 26

    /// Whether tests that need them should run.
    public static var isAvailable: Bool {
        python != nil || ProcessInfo.processInfo.environment["CI"] != nil
    }

    /// Whether the comparison with Spark was asked for, as `make test-spark` does.
    public static var comparesWithSpark: Bool {
        ProcessInfo.processInfo.environment["ICEPACK_TEST_SPARK"] == "1"
    }

    /// The Python with Spark in it, which `scripts/spark-env` made.
    public static func sparkPython() throws -> String {
        guard let path = find(".cache/spark/v35/bin/python") else {
            throw Failure(description: "no Spark: run scripts/spark-env")
        }
        return path
    }

    /// Runs a program and reads the JSON that it prints.
    ///
    /// - Throws: ``Failure`` with what it said on standard error when it ends with anything but 0.
    public static func run(_ program: String, _ arguments: [String]) async throws -> JSONValue {
        let path = try Self.program(program)
        // Isolated and without packages: the caller itself is to start at once.
        let caller = [
            try pythonPath(), "-I", "-S", try Self.program(serverProgram), "call",
            try await server.value,
        ]
        // Through `env`, because a path as such would need another package's type.
        let result = try await Subprocess.run(
            .name("env"), arguments: Arguments(caller + [path] + arguments),
            output: .bytes(limit: outputLimit), error: .string(limit: outputLimit))
        guard result.terminationStatus.isSuccess else {
            throw Failure(description: "\(program): \(result.standardError)")
        }
        return try JSONValue(parsing: result.standardOutput)
    }

    /// Runs a program with Spark's Python and reads the JSON that it prints.
    ///
    /// - Throws: ``Failure`` with the end of what it said on standard error when it ends with
    ///   anything but 0.
    public static func runOnSpark(
        _ program: String, _ arguments: [String]
    ) async throws -> JSONValue {
        let command = [try sparkPython(), try Self.program(program)] + arguments
        let result = try await Subprocess.run(
            .name("env"), arguments: Arguments(command), output: .bytes(limit: outputLimit),
            error: .string(limit: outputLimit))
        guard result.terminationStatus.isSuccess else {
            throw Failure(description: "\(program): \(result.standardError.suffix(4000))")
        }
        return try JSONValue(parsing: result.standardOutput)
    }

    /// The name of the socket of `oracle_server.py`, which has the libraries loaded.
    ///
    /// Unstructured because it outlives the test that happens to come first.
    private static let server = Task {
        let line = try await ServerProcess.launch(
            [try pythonPath(), try program(serverProgram), "serve"], ready: "ready ")
        return String(line.dropFirst("ready ".count))
    }

    private static let serverProgram = "oracle_server.py"

    /// The Python that the programs run with.
    public static func pythonPath() throws -> String {
        guard let python else { throw Failure(description: reason) }
        return python
    }

    /// Where a program is.
    public static func program(_ name: String) throws -> String {
        try file("Tests/Oracles/\(name)")
    }

    /// Where a file of the repository is, by its path from the root.
    public static func file(_ path: String) throws -> String {
        guard let found = find(path) else { throw Failure(description: "no file \(path)") }
        return found
    }

    /// A program that is not there or did not succeed.
    public struct Failure: Error, CustomStringConvertible {
        /// The text for people.
        public let description: String

        /// A failure with this text.
        public init(description: String) { self.description = description }
    }

    static let python: String? =
        ProcessInfo.processInfo.environment["ICEPACK_PYTHON"] ?? find(".venv/bin/python")

    /// A path below the nearest folder above this file that has it.
    static func find(_ path: String) -> String? {
        var folder = URL(filePath: #filePath)
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            let candidate = folder.appending(path: path).path
            if FileManager.default.fileExists(atPath: candidate) { return candidate }
        }
        return nil
    }
}
