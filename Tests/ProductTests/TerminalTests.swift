// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
import TestSupport
import Testing

/// What the commands of the fleet show to people.
@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script")))
struct TerminalTests {
    @Test(.timeLimit(.minutes(15))) func `colours are for terminals alone`() async throws {
        let folder = try Product.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        var product = Product(
            environment: [
                "ICEPACK_STORE": "sqlite:\(folder.path)/store.db", "ICEPACK_PORT": "0",
                "ICEPACK_CATALOG_WAREHOUSE": folder.appending(path: "warehouse").path,
                "TERM": "xterm",
            ], folder: folder)
        try FileManager.default.createDirectory(
            at: folder.appending(path: "warehouse"), withIntermediateDirectories: true)
        let service = try await product.start("serve", name: "serve")
        product.environment["ICEPACK_API_URL"] = try await product.address(of: service)
        let bold = "\u{1B}[1mTABLE"

        let piped = try await product.run("tables")
        let shown = try await product.runOnTerminal("tables")
        let run = try await product.runOnTerminal("orchestrate")
        product.environment["NO_COLOR"] = "1"
        let plain = try await product.runOnTerminal("tables")

        #expect(piped.code == 0 && piped.output.hasPrefix("TABLE"), "\(piped.errors)")
        #expect(!piped.output.contains("\u{1B}"))
        #expect(shown.contains(bold))
        #expect(run.contains(bold) && run.contains("OUTCOME"))
        #expect(!plain.contains("\u{1B}"))
        service.send(SIGTERM)
        #expect(try await service.wait() == .exited(0))
    }
}
