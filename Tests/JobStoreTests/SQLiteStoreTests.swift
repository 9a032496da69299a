// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Jobs
import Logging
import SQLiteStore
import TestSupport
import Testing
import WireFormat

@Suite struct SQLiteStoreTests {
    @Test(arguments: JobStoreContract<SQLiteStore>.rules)
    func `the contract holds`(rule: JobStoreRule<SQLiteStore>) async throws {
        try await withSQLiteFile { file in
            let store = try await file.migrated()

            try await rule.check(StoreUnderTest(store: store) { file.time.advance(by: $0) })

            await store.shutdown()
        }
    }

    @Test(arguments: DurableStoreContract<SQLiteStore>.rules)
    func `the durable contract holds`(rule: DurableStoreRule<SQLiteStore>) async throws {
        try await withSQLiteFile { file in
            try await rule.check(
                DurableStoreUnderTest(
                    open: { try file.open() }, advance: { file.time.advance(by: $0) },
                    damage: { try file.damage($0) }))
        }
    }

    @Test(arguments: Share.of(UInt64(0)..<24, 8))
    func `random histories agree with the model`(seed: UInt64) async throws {
        try await withSQLiteFile { file in
            let store = try await file.migrated()
            var comparison = StoreComparison(
                StoreUnderTest(store: store) { file.time.advance(by: $0) }, seed: seed)

            try await comparison.run(steps: 120)

            await store.shutdown()
        }
    }
}

/// What is particular to a file.
@Suite struct SQLiteFileTests {
    @Test func `a hold that is given up is in the audit log`() async throws {
        try await withSQLiteFile { file in
            let store = try await file.migrated()
            let id = JobID.random()
            let table = TableName(database: "db", table: "t")
            _ = try await store.submitClaimed(
                JobSubmission(
                    jobID: id, table: table, actions: ["expire_snapshots"], isDryRun: false,
                    options: .null, idempotency: nil, actor: "test", lockLease: .seconds(100)),
                by: WorkerID("w"), attempt: .random(), lease: .seconds(100))
            let fence = try #require(
                try await store.job(id, visibility: .normal)?.attemptID)
            let claim = Claim(jobID: id, attemptID: fence)
            try await store.setEngineState(["engine": "spark"], under: claim)
            try await store.settle(claim, as: .failed(error: "e", lock: .release))
            file.time.advance(by: SweepPolicy.engineHoldLimit + .seconds(1))

            _ = try await store.sweep(SweepPolicy(maxAttempts: 3))

            let expected = SweepPolicy.givenUpEvent(id, on: table)
            let rows = try await DatabaseQueue(path: file.path).read { database in
                try Row.fetchAll(
                    database, sql: "SELECT actor, event, job_id, details FROM audit_log"
                ).map { row -> [String] in (0..<4).compactMap { row[$0] } }
            }
            #expect(
                rows == [[expected.actor, expected.event, id.rawValue, expected.details.text()]])
            await store.shutdown()
        }
    }

    @Test func `the file and its folder are made, readable by their owner alone`() async throws {
        try await withSQLiteFile { file in
            let store = try await file.migrated()

            for path in [file.path, file.path + "-wal", file.path + "-shm"] {
                let attributes = try FileManager.default.attributesOfItem(atPath: path)
                #expect(attributes[.posixPermissions] as? Int == 0o600, "\(path)")
            }
            await store.shutdown()
        }
    }

    @Test(arguments: [false, true])
    func `a file that is removed or replaced under a store makes it unavailable, until it is back`(
        replaced: Bool
    ) async throws {
        try await withSQLiteFile { file in
            let store = try await file.migrated()
            let away = file.path + ".away"
            try FileManager.default.moveItem(atPath: file.path, toPath: away)
            if replaced { try file.write("") }

            await #expect(throws: JobStoreError.self) { try await store.ping(within: .seconds(5)) }
            await #expect(throws: JobStoreError.self) {
                try await store.audit(AuditEvent(actor: "a", event: "e", jobID: nil))
            }
            if replaced { try FileManager.default.removeItem(atPath: file.path) }
            try FileManager.default.moveItem(atPath: away, toPath: file.path)
            try await store.audit(AuditEvent(actor: "a", event: "e", jobID: nil))

            await store.shutdown()
        }
    }

    @Test func `a path that is no file is unavailable, and says so`() async throws {
        #expect(throws: JobStoreError.self) {
            try SQLiteStore(path: "/proc/none/icepack.db", logger: Logger(label: "test"))
        }
    }

    @Test func `a file that is no database is corrupt`() async throws {
        try await withSQLiteFile { file in
            try file.write(String(repeating: "no database ", count: 400))

            let error = #expect(throws: JobStoreError.self) { try file.open() }

            guard case .corrupt? = error else {
                Issue.record("was \(String(describing: error))")
                return
            }
        }
    }

    @Test func `a store without schema says to migrate`() async throws {
        try await withSQLiteFile { file in
            let store = try file.open()

            let error = await #expect(throws: JobStoreError.self) {
                try await store.queueDepth()
            }

            guard case .corrupt(let reason)? = error else {
                Issue.record("was \(String(describing: error))")
                return
            }
            #expect(reason.contains("icepack migrate"))
        }
    }

    @Test func `a file that another process writes to is unavailable after the wait`() async throws
    {
        try await withSQLiteFile { file in
            let store = try await file.migrated(busyTimeout: .milliseconds(50))
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            let other = try DatabaseQueue(path: file.path, configuration: configuration)
            let event = AuditEvent(actor: "a", event: "e", jobID: nil)

            try await other.writeWithoutTransaction { database in
                try database.execute(sql: "BEGIN IMMEDIATE")
            }
            let error = await #expect(throws: JobStoreError.self) { try await store.audit(event) }
            #expect(try await store.queueDepth() == 0, "readers do not wait for writers")
            try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }

            guard case .unavailable? = error else {
                Issue.record("was \(String(describing: error))")
                return
            }
            try await store.audit(event)
            await store.shutdown()
        }
    }

    @Test func `a full disk is unavailable, loses nothing and passes`() async throws {
        try await withSQLiteFile { file in
            let store = try await file.migrated()
            try await store.setPageLimit(1)
            let event = AuditEvent(
                actor: "a", event: String(repeating: "e", count: 100_000), jobID: nil)

            let error = await #expect(throws: JobStoreError.self) { try await store.audit(event) }

            guard case .unavailable(let reason)? = error else {
                Issue.record("was \(String(describing: error))")
                return
            }
            #expect(reason.contains("disk is full"))
            try await store.setPageLimit(1_000_000)
            try await store.audit(event)
            await store.shutdown()
        }
    }

    @Test func `a cancelled task still settles its job`() async throws {
        try await withSQLiteFile { file in
            let store = try await file.migrated()
            let submission = JobSubmission(
                jobID: .random(), table: TableName(database: "d", table: "t"), actions: ["a"],
                isDryRun: false, options: .null, idempotency: nil, actor: "test",
                lockLease: .seconds(100))
            let attempt = AttemptID.random()
            _ = try await store.submitClaimed(
                submission, by: WorkerID("w"), attempt: attempt, lease: .seconds(100))

            let settling = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                try await store.settle(
                    Claim(jobID: submission.jobID, attemptID: attempt), as: .completed)
            }
            try await settling.value

            let job = try await store.job(submission.jobID, visibility: .normal)
            #expect(job?.status == .completed)
            await store.shutdown()
        }
    }

    @Test func `two processes do not sync the cache at once`() async throws {
        try await withSQLiteFile { file in
            let first = try await file.migrated()
            let second = try await file.migrated()

            let inner = try await first.withLock(.tableSync) {
                try await second.withLock(.tableSync) { true } ?? false
            }

            #expect(inner == false)
            #expect(try await second.withLock(.tableSync) { true } == true)
        }
    }

    @Test func `a store that is shut down stays so, and shutting down twice is one`() async throws {
        try await withSQLiteFile { file in
            let store = try await file.migrated()

            await store.shutdown()
            await store.shutdown()

            await #expect(throws: JobStoreError.self) { try await store.queueDepth() }
            await #expect(throws: JobStoreError.self) { try await store.migrate() }
            for await _ in await store.signals() { Issue.record("a dead store signals nothing") }
        }
    }
}
