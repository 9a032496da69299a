// SPDX-License-Identifier: Apache-2.0

import Foundation
import Jobs
import Logging
import SQLiteStore
import TestSupport
import Testing

@Suite struct SQLiteStoreTests {
    @Test(arguments: JobStoreContract<SQLiteStore>.rules)
    func `the contract holds`(rule: JobStoreRule<SQLiteStore>) async throws {
        try await withSQLiteFile { file in
            let time = StoreTime()
            let store = try file.open(time: time)
            try await store.migrate()

            try await rule.check(StoreUnderTest(store: store) { time.advance(by: $0) })

            await store.shutdown()
        }
    }
}

/// A place for a store's file, removed afterwards.
struct SQLiteFile: Sendable {
    let path: String

    /// A store on the file, as another process would open it.
    func open(time: StoreTime = StoreTime()) throws -> SQLiteStore {
        try SQLiteStore(
            path: path, logger: Logger(label: "test"), time: time, busyTimeout: .seconds(20))
    }
}

func withSQLiteFile(_ body: (SQLiteFile) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory
        .appending(path: "icepack-store-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try await body(SQLiteFile(path: folder.appending(path: "nested/icepack.db").path))
}
