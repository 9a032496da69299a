// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
import TestSupport
import Testing
import WireFormat

/// `examples/maintain`: a client with curl and jq alone, which knows the eleven fields that every
/// version of the API has.
@Suite(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct ClientScriptTests {
    private struct Scene {
        let url: String

        func maintain(
            _ arguments: String..., settings: [String: String] = [:]
        ) async throws -> Finished {
            let variables = settings.merging(["POLL_SECONDS": "0.1"]) { given, _ in given }
            let result = try await Subprocess.run(
                .name("env"),
                arguments: Arguments(
                    variables.map { "\($0.key)=\($0.value)" } + [
                        try Oracles.file("examples/maintain")
                    ]
                        + arguments), output: .string(limit: 1 << 20),
                error: .string(limit: 1 << 20))
            return Finished(
                status: result.terminationStatus, output: result.standardOutput,
                errors: result.standardError)
        }
    }

    @Test(.timeLimit(.minutes(15)))
    func `jobs are submitted and followed with curl and jq alone`() async throws {
        let folder = try Product.makeFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        // A property of the system whose clients these are.
        let made = try await Oracles.run(
            "make_table.py",
            [
                "--warehouse", folder.path + "/wh", "--commits", "12", "--property",
                "snowpack.min_input_files=2",
            ])
        let product = Product(
            environment: [
                "ICEPACK_CATALOG_TYPE": "sql", "ICEPACK_PORT": "0",
                "ICEPACK_CATALOG_URI": try #require(
                    made.objectValue?["catalog_uri"]?.stringValue),
            ], folder: folder)
        let service = try await product.start("serve", name: "serve")
        let scene = Scene(url: try await product.address(of: service))

        let done = try await scene.maintain(
            scene.url, "demo", "events", "rewrite_manifests", "rewrite_data_files",
            "expire_snapshots")
        #expect(done.code == 0, "\(done.errors)")
        let job = try #require(try JSONValue(parsing: done.output).objectValue)
        #expect(
            job["actions"] == ["expire_snapshots", "rewrite_data_files", "rewrite_manifests"],
            "in the configured order, whatever was asked")
        #expect(job["results"]?.arrayValue?.count == 3)
        #expect(job["status"] == "completed" && job["error"] == .null)

        let planned = try await scene.maintain(
            scene.url, "demo", "events", "expire_snapshots", settings: ["DRY_RUN": "true"])
        #expect(planned.code == 0, "\(planned.errors)")
        let plan = try #require(try JSONValue(parsing: planned.output).objectValue)
        let result = plan["results"]?.arrayValue?.first?.objectValue
        #expect(result?["message"] == "dry run" && result?["impact"] == .null)

        let unknown = try await scene.maintain(scene.url, "demo", "events", "vacuum")
        #expect(unknown.code == 2 && unknown.errors.contains("400 unknown_action"))
        let missing = try await scene.maintain(scene.url, "demo", "nothing", "expire_snapshots")
        #expect(missing.code == 2 && missing.errors.contains("404"), "\(missing.errors)")
        let bare = try await scene.maintain(scene.url)
        #expect(bare.code == 64 && bare.errors.contains("URL DATABASE TABLE ACTION"))

        service.send(SIGTERM)
        #expect(try await service.wait() == .exited(0))
    }
}
