// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import Maintenance
import StorageTestSupport
import Synchronization
import TestSupport
import Testing
import WireFormat

/// What every rewrite owes when its commit fails, or another writer comes between.
extension ManifestTable {
    /// A run with a journal and a catalog that commits nothing.
    typealias RefusedRun = (MemoryJournal, RefusingCatalog<Tables>) async throws -> Void

    /// P-32: what was written goes after a refusal.
    func expectNothingLeft(afterRefusalOf run: RefusedRun) async throws {
        let before = (try dataFolder(), try metadataFiles())
        let journal = MemoryJournal()
        let refusing = RefusingCatalog(
            base: catalog, outcome: { .refused(.rejected(reason: "no")) })
        await #expect(throws: MaintenanceError.refused(code: "commit_rejected", reason: "no")) {
            try await run(journal, refusing)
        }
        #expect(try dataFolder() == before.0)
        #expect(try metadataFiles() == before.1)
        #expect(journal.open.isEmpty)
    }

    /// P-30: nothing of what was written goes while the outcome is unknown, nor in the next run.
    func expectAllKept(
        _ count: Int, afterUnknownOutcomeOf run: RefusedRun,
        then next: (MemoryJournal) async throws -> Void
    ) async throws {
        let before = try dataFolder()
        let journal = MemoryJournal()
        let refusing = RefusingCatalog(
            base: catalog, outcome: { .unknown(reason: "gone", metadataLocation: nil) })
        await #expect(throws: MaintenanceError.self) { try await run(journal, refusing) }
        let written = try dataFolder().subtracting(before)
        #expect(written.count == count)
        try await next(journal)
        #expect(try dataFolder().isSuperset(of: written))
    }

    /// P-40: rows are those of the other writer, who acts before each of the first commits.
    ///
    /// - Parameter run: takes the round, 0 or 1, a journal and a catalog; a conflict is no failure.
    func expectRowsKept(
        whileAnotherWriter act: @escaping @Sendable () async throws -> Void,
        _ run: (Int, MemoryJournal, InterferingCatalog<Tables>) async throws -> Void
    ) async throws {
        let expected = Mutex(try await rows())
        let journal = MemoryJournal()
        let interfering = InterferingCatalog(base: catalog) { moment, commit in
            guard moment == .beforeCommit, commit <= 3 else { return }
            try await act()
            let rows = try await rows()
            expected.withLock { $0 = rows }
        }
        for round in 0..<2 {
            do {
                try await run(round, journal, interfering)
            } catch let error as MaintenanceError {
                guard case .conflict = error else { throw error }
            }
            #expect(try await rows() == expected.withLock { $0 })
            #expect(journal.open.isEmpty)
        }
    }

    /// A run in which no group could be rewritten says why, with these words.
    static func expectFilesRefused(
        _ words: String, _ run: () async throws -> ActionReport
    ) async {
        await #expect {
            _ = try await run()
        } throws: { error in
            guard case .refused("unsupported_files", let reason)? = error as? MaintenanceError
            else { return false }
            return reason.contains(words)
        }
    }

    /// A table with some files of ten rows in each of two partitions.
    static func inTwoPartitions(files: Int) async throws -> ManifestTable {
        let table = try await ManifestTable(.v2, properties: quickRetries)
        for start in stride(from: Int64(0), to: 10 * Int64(files), by: 10) {
            try await table.addRows(start..<start + 10, region: "a")
            try await table.addRows(start + 100..<start + 110, region: "b")
        }
        return table
    }

    /// Compacts with something that another writer does before the first commit.
    @discardableResult
    func compact(
        _ options: JSONValue = ["min-input-files": 2], journal: MemoryJournal = MemoryJournal(),
        while act: @escaping @Sendable () async throws -> Void
    ) async throws -> ActionReport {
        try await compact(
            options, journal: journal, catalog: interrupted(by: act), storage: storage)
    }

    /// Rewrites deletes with something that another writer does before the first commit.
    @discardableResult
    func rewriteDeletes(
        _ options: JSONValue = ["min-input-files": 2], journal: MemoryJournal = MemoryJournal(),
        while act: @escaping @Sendable () async throws -> Void
    ) async throws -> ActionReport {
        try await rewriteDeletes(
            options, journal: journal, catalog: interrupted(by: act), storage: storage)
    }

    private func interrupted(
        by act: @escaping @Sendable () async throws -> Void
    ) -> InterferingCatalog<Tables> {
        InterferingCatalog(base: catalog) { moment, commit in
            if moment == .beforeCommit, commit == 1 { try await act() }
        }
    }
}
