// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
import TestSupport
import Testing
import WireFormat

/// New data files much larger than memory allows, written by the product in a process of its own,
/// of which the system says how much memory it had at most.
@Suite(.serialized, .enabled(if: Oracles.isAvailable, "\(Oracles.reason)"))
struct StreamedOutputTests {
    private static let budget: Int64 = 64 << 20
    private static let size = ["--files", "16", "--rows", "120", "--row-bytes", "100000"]

    private let folder: URL
    private let product: Product
    private let warehouse: String

    init() throws {
        folder = try Product.makeFolder()
        warehouse = folder.appending(path: "warehouse").path
        product = Product(
            environment: [
                "ICEPACK_STORE": "sqlite:\(folder.appending(path: "store.db").path)",
                "ICEPACK_CATALOG_TYPE": "sql",
                "ICEPACK_CATALOG_URI": "sqlite:///\(warehouse)/catalog.db",
                "ICEPACK_NATIVE_MEMORY_BYTES": "\(Self.budget)",
            ], folder: folder)
    }

    private func oracle(_ command: String, _ more: [String] = []) async throws -> JSONObject {
        let answer = try await Oracles.run(
            "make_large_rows.py", [command, "--warehouse", warehouse] + more)
        return try #require(answer.objectValue)
    }

    @Test(.timeLimit(.minutes(10)))
    func `memory follows the budget and not the size of a new file`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let before = try await oracle("make", Self.size)

        let idle = try await product.measured(["maintain", "demo.large", "--dry-run", "--json"])
        let finished = try await product.measured([
            "maintain", "demo.large", "--action", "rewrite_data_files", "--json",
        ])

        #expect(finished.code == 0, "\(finished.errors)")
        let after = try await oracle("check")
        #expect(after["digest"] == before["digest"])
        let sizes = try #require(after["file_sizes"]?.arrayValue).compactMap(\.int64Value)
        #expect(sizes.count == 1)
        #expect(try #require(sizes.first) > 5 * Self.budget / 2)
        // Besides the budget it holds what the store and the proof have under way.
        let peak = finished.peakBytes - idle.peakBytes
        #expect(peak < 3 * Self.budget / 2, "it took \(peak >> 20) MiB more than a dry run")
    }
}
