// SPDX-License-Identifier: Apache-2.0

import FileSystemCatalog
import IcebergCatalog
import IcebergSpec
import Maintenance
import NativeEngine
import ObjectStorage
import StorageTestSupport
import WireFormat

extension TestTable {
    static let identifier = TableIdentifier(namespace: ["ns"], name: "t")

    typealias Tables = FileSystemCatalog<LocalStorage>

    var catalog: Tables {
        FileSystemCatalog(name: "test", warehouse: folder.location, storage: LocalStorage())
    }

    func request(_ options: JSONValue = .null) throws -> ActionRequest {
        ActionRequest(
            table: Self.identifier, action: .expireSnapshots,
            options: try ActionOptions.validating(options, for: .expireSnapshots), now: Self.now)
    }

    /// Expires, and returns the report.
    @discardableResult
    func expire(
        _ options: JSONValue = .null, journal: some MaintenanceJournal = MemoryJournal(),
        storage: some ObjectStorage = LocalStorage(),
        confirm: @escaping @Sendable (Duration) async throws(MaintenanceError) -> Void = { _ in }
    ) async throws(any Error) -> ActionReport {
        let engine = NativeEngine(catalog: catalog, storage: storage)
        return try await engine.run(request(options), in: Self.context(journal, confirm))
    }

    static func context(
        _ journal: some MaintenanceJournal,
        _ confirm: @escaping @Sendable (Duration) async throws(MaintenanceError) -> Void = { _ in }
    ) -> RunContext {
        RunContext(
            confirmLease: confirm, report: { _ in }, journal: journal,
            attempt: AttemptLabel(jobID: "job", attemptID: "attempt"))
    }

    /// The ids of the table's snapshots, read back.
    func remaining() async throws -> Set<Int64> {
        Set(try await catalog.loadTable(Self.identifier).metadata.snapshots.map(\.id))
    }
}
