// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import ObjectStorage
import TestSupport
import Testing
import WireFormat

extension ManifestTable {
    /// What engines that share no code with us read: a count and a sum of all rows, by engine.
    ///
    /// - Parameter ifAble: Whether engines that cannot read the table are left out.
    func look(_ engines: [String], ifAble: Bool = false) async throws -> JSONObject {
        let location = try await load().metadataLocation
        let output = try await Oracles.run(
            "live_entries.py",
            [
                "--metadata-location", location.rawValue, "--engines",
                engines.joined(separator: ","),
            ] + (ifAble ? ["--if-able"] : []))
        return try #require(output.objectValue?["rows"]?.objectValue)
    }
}
