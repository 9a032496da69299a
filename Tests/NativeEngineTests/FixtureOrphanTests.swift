// SPDX-License-Identifier: Apache-2.0

import Foundation
import IcebergCatalog
import IcebergSpec
import Maintenance
import NativeEngine
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// Orphan removal on tables that Spark, PyIceberg and others wrote, with everything long ago.
@Suite(
    .enabled(if: Fixtures.isAvailable, Comment(rawValue: Fixtures.reason)),
    .enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
struct FixtureOrphanTests {
    @Test(arguments: FixtureCopy.tables)
    func `rows stay, the stray goes, and restoring brings all back`(
        path: String
    ) async throws {
        let copy = try await FixtureCopy(newestOf: path)
        let stray = Location(copy.table.metadata.location).appending("data/nobody-names-it")
        try await copy.storage.write([1], to: stray, condition: .absent)
        let reached = try await copy.reach(copy.table.metadata)
        let seen = try await copy.look()
        let engines = try #require(seen["rows"]?.objectValue).keys
        let before = try copy.everything(days: 10)
        let engine = NativeEngine(catalog: copy.catalog, storage: copy.storage)

        _ = try await engine.run(
            ActionRequest(
                table: FixtureCopy.identifier, action: .removeOrphanFiles, options: .none,
                now: TestTable.presentTime), in: TestTable.orphanContext())

        #expect(try await copy.storage.stat(stray) == nil)
        for file in reached where before.contains(file) {
            #expect(try await copy.storage.stat(Location(file)) != nil, "\(file)")
        }
        #expect(try await copy.look(engines: engines)["rows"] == seen["rows"])
        for hold in try await engine.quarantine(of: FixtureCopy.identifier) {
            _ = try await engine.restore(
                FixtureCopy.identifier, job: hold.jobID, in: TestTable.orphanContext())
        }
        #expect(try copy.everything() == before)
    }
}

extension FixtureCopy {
    /// Every file below the folder, by its path from there.
    ///
    /// - Parameter days: how long ago all of them shall have been written, if not as they were.
    fileprivate func everything(days: Double? = nil) throws -> Set<String> {
        var files: Set<String> = []
        for case let name as String in FileManager.default.enumerator(atPath: folder.path)
            ?? .init()
        {
            let path = "\(folder.path)/\(name)"
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
                !isFolder.boolValue
            else { continue }
            if let days { try TestTable.age(path, days: days) }
            files.insert(name)
        }
        return files
    }
}
