// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import NativeEngine
import ObjectStorage
import StorageTestSupport
import Synchronization
import Testing
import WireFormat

/// What a rewrite of data files still does once it is cancelled.
///
/// How long it takes depends on the machine; that nothing new is begun does not.
@Suite struct CancelledCompactionTests {
    /// Sorting reads and writes more often than copying does.
    private static let orders: [String?] = [nil, "id DESC"]
    /// Fewer calls than a run makes.
    private static let calls = Array(1...8) + Array(stride(from: 10, through: 40, by: 3))

    private func table() async throws -> ManifestTable {
        let table = try await ManifestTable.inTwoPartitions(files: 4)
        for region in ["a", "b"] {
            let paths = try await table.dataPaths(region: region)
            try await table.deleteRows([(paths[0], 3), (paths[2], 4)], region: region)
        }
        return table
    }

    @Test(arguments: calls, orders)
    func `after a cancel no further file is begun, and what was written goes`(
        call: Int, order: String?
    ) async throws {
        let table = try await table()
        let before = (
            try table.dataFolder(), try table.metadataFiles(),
            try await table.load().metadataLocation
        )
        let journal = MemoryJournal()
        let cancelled = CancelledRun()
        let storage = WitnessStorage(base: table.storage) { number in
            guard number == call else { return false }
            cancelled.cancel()
            return true
        }
        var options: [JSONObject.Member] = [
            .init(key: "min-input-files", value: 2),
            .init(key: "max-concurrent-file-group-rewrites", value: 1),
        ]
        if let order { options.append(.init(key: "sort_order", value: .string(order))) }
        let request = JSONValue.object(JSONObject(options))

        await #expect(throws: MaintenanceError.cancelled) {
            try await cancelled.run {
                // One thing at a time: what runs beside the one that cancels was begun before.
                _ = try await table.compact(
                    request, journal: journal, catalog: table.catalog, storage: storage,
                    settings: NativeEngineSettings(readWidth: 1, processors: 1))
            }
        }

        #expect(storage.begunAfterwards == [])
        #expect(try table.dataFolder() == before.0)
        #expect(try table.metadataFiles() == before.1)
        #expect(try await table.load().metadataLocation == before.2)
        #expect(journal.open.isEmpty)
    }
}

/// A storage that sees which files are read or written for the first time after a certain call.
private final class WitnessStorage: ForwardingStorage {
    private struct State {
        var calls = 0
        var isOver = false
        var known: Set<String> = []
        var late: [String] = []
    }

    let base: LocalStorage
    /// Takes the number of a call; true from which on nothing may be begun.
    private let onCall: @Sendable (Int) -> Bool
    private let state = Mutex(State())

    init(base: LocalStorage, onCall: @escaping @Sendable (Int) -> Bool) {
        self.base = base
        self.onCall = onCall
    }

    var begunAfterwards: [String] { state.withLock { $0.late } }

    private func note(_ location: Location) {
        let number = state.withLock { state in
            let isNew = state.known.insert(location.rawValue).inserted
            if isNew, state.isOver { state.late.append(location.rawValue) }
            state.calls += 1
            return state.calls
        }
        guard onCall(number) else { return }
        state.withLock { $0.isOver = true }
    }

    func read(_ location: Location, limit: Int) async throws(StorageError) -> [UInt8] {
        note(location)
        return try await base.read(location, limit: limit)
    }

    func read(_ location: Location, range: Range<Int64>) async throws(StorageError) -> [UInt8] {
        note(location)
        return try await base.read(location, range: range)
    }

    func write(
        _ bytes: [UInt8], to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo {
        note(location)
        return try await base.write(bytes, to: location, condition: condition)
    }

    func write<Chunks: AsyncSequence & Sendable>(
        chunks: Chunks, to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo where Chunks.Element == [UInt8] {
        note(location)
        return try await base.write(chunks: chunks, to: location, condition: condition)
    }
}
