// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Jobs
import Logging
import SQLiteStore
import TestSupport

/// A place for a store's file.
struct SQLiteFile: Sendable {
    let path: String
    /// One clock for every store on the file.
    let time = StoreTime()

    /// A store on the file, as another process would open it.
    func open(busyTimeout: Duration = .seconds(20)) throws -> SQLiteStore {
        try SQLiteStore(
            path: path, logger: Logger(label: "test"), time: time, busyTimeout: busyTimeout)
    }

    func migrated(busyTimeout: Duration = .seconds(20)) async throws -> SQLiteStore {
        let store = try open(busyTimeout: busyTimeout)
        try await store.migrate()
        return store
    }

    /// Makes the file hold this text.
    func write(_ text: String) throws {
        try FileManager.default.createDirectory(
            at: URL(filePath: path).deletingLastPathComponent(),
            withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    func damage(_ damage: DurableStoreUnderTest<SQLiteStore>.Damage) throws {
        let database = try DatabaseQueue(path: path)
        try database.write { database in
            switch damage {
            case .newerSchema:
                try database.execute(sql: "INSERT INTO schema_migrations VALUES (99, 'x', 0)")
            case .changedChecksum:
                try database.execute(
                    sql: "UPDATE schema_migrations SET checksum = 'x' WHERE version = 1")
            case .malformedProgress(let id):
                try database.execute(
                    sql: "UPDATE jobs SET progress = '[]' WHERE job_id = ?",
                    arguments: [id.rawValue])
            case .clearedProgress(let id):
                try database.execute(
                    sql: "UPDATE jobs SET progress = NULL WHERE job_id = ?",
                    arguments: [id.rawValue])
            case .malformedFence(let id):
                try database.execute(
                    sql: "UPDATE jobs SET attempt_id = 'x' WHERE job_id = ?",
                    arguments: [id.rawValue])
            case .removedLocks:
                try database.execute(sql: "DELETE FROM table_locks")
            }
        }
    }
}

/// Gives the body a place of its own and removes it afterwards.
func withSQLiteFile(_ body: (SQLiteFile) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory
        .appending(path: "icepack-store-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try await body(SQLiteFile(path: folder.appending(path: "nested/icepack.db").path))
}
