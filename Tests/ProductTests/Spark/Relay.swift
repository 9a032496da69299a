// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
import TestSupport

/// A wire between the product and a server that a test can cut, or silence.
final class Relay: Sendable {
    /// Where the product connects to, at 127.0.0.1.
    let port: Int
    private let process: RunningProcess

    /// Begins to pass bytes on.
    ///
    /// - Parameter port: 0 for any; a port of before to mend a wire that was cut.
    static func start(to target: Int, port: Int = 0, folder: URL) async throws -> Relay {
        let process = try await RunningProcess.start(
            executable: "/usr/bin/env",
            arguments: [
                try Oracles.pythonPath(), try Oracles.program("relay.py"), "--to", "\(target)",
                "--port", "\(port)", "--watch", "\(ProcessInfo.processInfo.processIdentifier)",
            ], environment: .inherit, folder: folder,
            name: "relay-\(UInt32.random(in: 0 ... .max))")
        try await inTime("the relay listens") { process.log.hasSuffix("\n") }
        guard let port = Int(process.log.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw Oracles.Failure(description: process.log)
        }
        return Relay(port: port, process: process)
    }

    private init(port: Int, process: RunningProcess) {
        self.port = port
        self.process = process
    }

    /// Breaks every connection, and takes no more.
    func cut() async throws {
        process.send(SIGKILL)
        _ = try await process.wait()
    }
}
