// SPDX-License-Identifier: Apache-2.0

import Foundation
import IcebergCatalog
import IcebergSpec
import Maintenance
import NativeEngine
import ObjectStorage
import WireFormat

extension TestTable {
    /// The time now: what the store writes is compared with it.
    static var presentTime: Timestamp {
        Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
    }

    /// Makes every file of the table look as if it had been written days ago.
    func age(days: Double = 10) async throws {
        for path in try await everything().keys { try Self.age(path, days: days) }
    }

    /// Makes one file look as if it had been written days ago.
    static func age(_ path: String, days: Double) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -days * 86_400)], ofItemAtPath: path)
    }

    /// A file that no snapshot names, below the table's location.
    @discardableResult
    func stray(
        _ name: String, days: Double = 10, bytes: [UInt8] = Array("stray".utf8)
    ) async throws -> String {
        let path = "\(location)/\(name)"
        try await LocalStorage().write(bytes, to: Location(path), condition: .none)
        try Self.age(path, days: days)
        return path
    }

    /// Every file below the location, what is in quarantine left out unless it is asked for.
    func everything(withQuarantine: Bool = false) async throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for try await info in LocalStorage().list(Location(location)) {
            let path = info.location.rawValue
            guard withQuarantine || !path.contains("/.icepack-quarantine/") else { continue }
            files[path] = try await LocalStorage().read(info.location, limit: 1 << 20)
        }
        return files
    }

    func orphanRequest(_ options: JSONValue = .null) throws -> ActionRequest {
        ActionRequest(
            table: Self.identifier, action: .removeOrphanFiles,
            options: try ActionOptions.validating(options, for: .removeOrphanFiles),
            now: Self.presentTime)
    }

    static func orphanContext(
        job: String = "job",
        confirm: @escaping @Sendable (Duration) async throws(MaintenanceError) -> Void = { _ in }
    ) -> RunContext {
        RunContext(
            confirmLease: confirm, report: { _ in }, journal: MemoryJournal(),
            attempt: AttemptLabel(jobID: job, attemptID: "attempt"))
    }

    /// Removes orphans among what another engine found, and returns the report.
    @discardableResult
    func removeOrphans(
        among candidates: [String], _ options: JSONValue = .null,
        storage: some ObjectStorage = LocalStorage()
    ) async throws -> ActionReport {
        try await NativeEngine(catalog: catalog, storage: storage).run(
            orphanRequest(options), among: candidates.map { Location($0) },
            in: Self.orphanContext())
    }

    /// Removes orphans, and returns the report.
    @discardableResult
    func removeOrphans(
        _ options: JSONValue = .null, job: String = "job",
        storage: some ObjectStorage = LocalStorage(), catalog: (some Catalog)? = Tables?.none,
        settings: NativeEngineSettings = NativeEngineSettings()
    ) async throws -> ActionReport {
        let context = Self.orphanContext(job: job)
        if let catalog {
            let engine = NativeEngine(catalog: catalog, storage: storage, settings: settings)
            return try await engine.run(orphanRequest(options), in: context)
        }
        let engine = NativeEngine(catalog: self.catalog, storage: storage, settings: settings)
        return try await engine.run(orphanRequest(options), in: context)
    }

    /// A table with two snapshots, a deleted file, statistics and delete files.
    static func withHistory() async throws -> TestTable {
        let table = try TestTable()
        let first = try await table.file()
        let kept = try await table.file()
        let vector = try await table.file("vectors.puffin")
        try await table.commit([
            try await table.manifest([.init(path: first), .init(path: kept)])
        ])
        let second = try await table.commit([
            try await table.manifest([
                .init(path: first, status: .deleted), .init(path: kept, status: .existing),
            ]),
            try await table.manifest(
                [.init(path: vector, content: .positionDeletes)], content: .deletes),
        ])
        table.statistics.append((second, try await table.file("s.stats", in: "metadata")))
        table.partitionStatistics.append((second, try await table.file("p.parquet")))
        try await table.write()
        return table
    }
}
