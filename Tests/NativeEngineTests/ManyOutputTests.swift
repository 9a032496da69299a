// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Maintenance
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing

@testable import NativeEngine

/// Several files that are written at once, of which some fail or are never begun.
@Suite struct ManyOutputTests {
    private let folder: ScratchFolder
    private let journal = MemoryJournal()

    init() throws { folder = try ScratchFolder() }

    private func pieces(_ count: Int) -> [(location: Location, bytes: [UInt8])] {
        (0..<count).map { (folder.appending("\($0)"), [UInt8](repeating: 1, count: $0 + 1)) }
    }

    private func outputs(_ storage: StumblingStorage) -> OutputFiles<StumblingStorage> {
        OutputFiles(storage: storage, context: TestTable.context(journal), tableUUID: "table")
    }

    @Test func `each is in the journal, and has its length`() async throws {
        var outputs = outputs(StumblingStorage { _ in nil })
        let lengths = try await outputs.write(pieces(5), kind: .manifest, width: 2)
        #expect(lengths == [1, 2, 3, 4, 5])
        #expect(journal.open == Set(pieces(5).map(\.location.rawValue)))
        try await outputs.removeAll()
        #expect(journal.open.isEmpty)
    }

    @Test func `after a cancel only what nobody knows the end of stays in the journal`()
        async throws
    {
        let cancelled = CancelledRun()
        let storage = StumblingStorage { name in
            guard name == "1" else { return nil }
            cancelled.cancel()
            return true
        }
        let (made, pieces) = (outputs(storage), pieces(6))
        await #expect(throws: MaintenanceError.cancelled) {
            try await cancelled.run {
                var outputs = made
                do {
                    _ = try await outputs.write(pieces, kind: .manifest, width: 2)
                } catch {
                    try await outputs.removeAll()
                    throw error
                }
            }
        }
        #expect(journal.open == [pieces[1].location.rawValue])
    }

    @Test func `a failure of one is told, and does not keep the others in the journal`()
        async throws
    {
        let storage = StumblingStorage { $0 == "2" ? false : nil }
        var outputs = outputs(storage)
        await #expect(throws: MaintenanceError.self) {
            _ = try await outputs.write(pieces(4), kind: .manifest, width: 1)
        }
        try await outputs.removeAll()
        #expect(journal.open.isEmpty)
    }
}

/// A storage that fails to write some files.
private struct StumblingStorage: ForwardingStorage {
    let base = LocalStorage()
    /// Takes the name of a file; false if writing it fails, true if nobody can tell, else nil.
    let onWrite: @Sendable (String) -> Bool?

    init(onWrite: @escaping @Sendable (String) -> Bool?) { self.onWrite = onWrite }

    func write(
        _ bytes: [UInt8], to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo {
        switch onWrite(location.lastComponent) {
        case nil: try await base.write(bytes, to: location, condition: condition)
        case true?: throw .outcomeUnknown(location, reason: "no answer came")
        case false?: throw .unavailable(location, reason: "not now")
        }
    }
}
