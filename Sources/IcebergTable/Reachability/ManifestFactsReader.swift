// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import ObjectStorage

/// Reads manifest lists for what reachability needs of them.
struct ManifestFactsReader<Storage: ObjectStorage>: Sendable {
    private let storage: Storage
    private let fields = ManifestFactsFields()
    private let programs: AvroProgramCache

    init(storage: Storage) {
        self.storage = storage
        programs = AvroProgramCache(fields.projection)
    }

    /// Visits every manifest of a list in order; the path's bytes are valid only within the call.
    ///
    /// Returns how many there were.
    func forEachManifest(
        in location: Location, _ body: (UnsafeRawBufferPointer, ManifestFacts) -> Void
    ) async throws(ManifestError) -> Int {
        var count = 0
        let reader = try await ManifestFileReader(location, in: storage, expectedLength: nil)
        try await reader.forEachRow(programs) { (row) throws(AvroError) in
            count += 1
            try fields.visit(row, body)
        }
        return count
    }
}
