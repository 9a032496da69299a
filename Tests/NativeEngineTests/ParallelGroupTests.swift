// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import Maintenance
import NativeEngine
import ObjectStorage
import StorageTestSupport
import Synchronization
import TestSupport
import Testing
import WireFormat

/// Groups that are rewritten at the same time.
@Suite struct ParallelGroupTests {
    private static let regions = ["a", "b", "c", "d", "e", "f"]
    private static let settings = NativeEngineSettings(memoryBytes: 2 << 30, processors: 3)

    /// Two files in each of six partitions.
    private func table() async throws -> ManifestTable {
        let table = try await ManifestTable(.v2, properties: ManifestTable.quickRetries)
        for (index, region) in Self.regions.enumerated() {
            let first = Int64(index) * 20
            try await table.addRows(first..<first + 10, region: region)
            try await table.addRows(first + 10..<first + 20, region: region)
        }
        return table
    }

    private func compact(
        _ table: ManifestTable, _ storage: some ObjectStorage, atOnce: Int? = nil,
        journal: MemoryJournal = MemoryJournal(), settings: NativeEngineSettings = Self.settings
    ) async throws -> ActionReport {
        var options = JSONObject()
        options["min-input-files"] = 2
        if let atOnce { options["max-concurrent-file-group-rewrites"] = .integer(atOnce) }
        return try await table.compact(
            .object(options), journal: journal, catalog: table.catalog, storage: storage,
            settings: settings)
    }

    @Test(.timeLimit(.minutes(10)), arguments: [nil, 2, 3])
    func `groups are written at the same time`(atOnce: Int?) async throws {
        let table = try await table()
        let before = try await table.rows()
        // Nobody goes on before so many are there.
        let storage = MeetingStorage(base: table.storage, meeting: atOnce ?? 3)

        let report = try await compact(table, storage, atOnce: atOnce)

        #expect(report.fileCounts == [12, 6])
        #expect(storage.most == atOnce ?? 3)
        #expect(try await table.rows() == before)
    }

    @Test func `one group follows the other where that is asked for`() async throws {
        let table = try await table()
        let storage = MeetingStorage(base: table.storage, meeting: 1)

        #expect(try await compact(table, storage, atOnce: 1).fileCounts == [12, 6])

        #expect(storage.most == 1)
    }

    @Test(.timeLimit(.minutes(10)), arguments: [(127, 1), (128, 2)])
    func `P-49: no more groups than memory has room for, whatever is asked for`(
        mebibytes: Int, most: Int
    ) async throws {
        let table = try await table()
        let storage = MeetingStorage(base: table.storage, meeting: most)
        let settings = NativeEngineSettings(memoryBytes: mebibytes << 20, processors: 3)

        let report = try await compact(table, storage, atOnce: 6, settings: settings)

        #expect(report.fileCounts == [12, 6])
        #expect(storage.most == most)
    }

    @Test(.timeLimit(.minutes(10)))
    func `P-54: of several commits none waits for a group that is slow`() async throws {
        let table = try await table()
        let before = try await table.rows()
        let gate = AsyncStream<Void>.makeStream()
        // The first group goes on when others are in the table.
        let storage = HeldStorage(base: table.storage, holding: "region=a") {
            for await _ in gate.stream {}
        }
        let catalog = InterferingCatalog(base: table.catalog) { moment, commit in
            if moment == .afterCommit, commit == 1 { gate.continuation.finish() }
        }

        let report = try await table.compact(
            [
                "min-input-files": 2, "partial-progress.enabled": true,
                "partial-progress.max-commits": 3,
            ], journal: MemoryJournal(), catalog: catalog, storage: storage,
            settings: Self.settings)

        #expect(report.fileCounts == [12, 6])
        #expect(try await table.rows() == before)
    }

    @Test(.timeLimit(.minutes(10)))
    func `a failure stops the others, and what all of them wrote goes`() async throws {
        let table = try await table()
        let before = try table.dataFolder()
        let journal = MemoryJournal()
        let storage = MeetingStorage(base: table.storage, meeting: 3, failing: "00001-0-")

        await #expect {
            _ = try await compact(table, storage, journal: journal)
        } throws: { error in
            guard case .unavailable(let reason) = error as? MaintenanceError else { return false }
            return reason.contains("the disk is full")
        }

        #expect(try table.dataFolder() == before)
        #expect(journal.open.isEmpty)
    }

    @Test(.timeLimit(.minutes(10)), arguments: [false, true])
    func `a cancelled run stops all groups, and what they wrote goes, with a lease or without`(
        losesLease: Bool
    ) async throws {
        let table = try await table()
        let before = try table.dataFolder()
        let journal = MemoryJournal()
        let cancelled = CancelledRun()
        let isLost = Mutex(false)
        let storage = MeetingStorage(base: table.storage, meeting: 3) {
            isLost.withLock { $0 = losesLease }
            cancelled.cancel()
        }
        let context = RunContext(
            confirmLease: { _ throws(MaintenanceError) in
                if isLost.withLock({ $0 }) { throw .fenceLost }
            },
            report: { _ in }, journal: journal,
            attempt: AttemptLabel(jobID: "job", attemptID: "attempt"))

        await #expect(throws: MaintenanceError.self) {
            try await cancelled.run {
                _ = try await table.compact(
                    ["min-input-files": 2], catalog: table.catalog, storage: storage,
                    context: context, settings: Self.settings)
            }
        }

        #expect(try table.dataFolder() == before)
        #expect(journal.open.isEmpty)
    }
}

/// A storage in which writers of some files wait.
private final class HeldStorage: ForwardingStorage {
    let base: LocalStorage
    private let holding: String
    private let wait: @Sendable () async -> Void

    init(base: LocalStorage, holding: String, until wait: @escaping @Sendable () async -> Void) {
        self.base = base
        self.holding = holding
        self.wait = wait
    }

    func write<Chunks: AsyncSequence & Sendable>(
        chunks: Chunks, to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo where Chunks.Element == [UInt8] {
        if location.rawValue.contains(holding) { await wait() }
        return try await base.write(chunks: chunks, to: location, condition: condition)
    }
}

/// A storage in which the first writers of data files wait for each other.
private final class MeetingStorage: ForwardingStorage {
    private struct State {
        var isOver = false
        var writing = 0
        var most = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    let base: LocalStorage
    private let meeting: Int
    private let failing: String?
    private let onMeeting: @Sendable () -> Void
    private let state = Mutex(State())

    init(
        base: LocalStorage, meeting: Int, failing: String? = nil,
        onMeeting: @escaping @Sendable () -> Void = {}
    ) {
        self.base = base
        self.meeting = meeting
        self.failing = failing
        self.onMeeting = onMeeting
    }

    /// The most files that were written at the same time.
    var most: Int { state.withLock { $0.most } }

    func write<Chunks: AsyncSequence & Sendable>(
        chunks: Chunks, to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo where Chunks.Element == [UInt8] {
        await meet()
        defer { state.withLock { $0.writing -= 1 } }
        if let failing, location.rawValue.contains(failing) {
            throw .unavailable(location, reason: "the disk is full")
        }
        return try await base.write(chunks: chunks, to: location, condition: condition)
    }

    private func meet() async {
        await withCheckedContinuation { continuation in
            let (woken, isMet) = state.withLock { state in
                state.writing += 1
                state.most = max(state.most, state.writing)
                state.waiting.append(continuation)
                let isMet = !state.isOver && state.waiting.count == meeting
                if isMet { state.isOver = true }
                guard state.isOver else { return ([CheckedContinuation<Void, Never>](), false) }
                defer { state.waiting = [] }
                return (state.waiting, isMet)
            }
            if isMet { onMeeting() }
            for continuation in woken { continuation.resume() }
        }
    }
}
