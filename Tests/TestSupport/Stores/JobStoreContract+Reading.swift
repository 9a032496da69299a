// SPDX-License-Identifier: Apache-2.0

import Jobs
import Testing
import WireFormat

extension JobStoreContract {
    static var reading: [Rule] {
        [
            Rule("jobs are listed newest first, page by page, without gap or repeat") { test in
                var submitted: [JobID] = []
                for number in 0..<7 {
                    let table = TableName(database: "s", table: "t\(number)")
                    submitted.append(try await test.accept(on: table).id)
                    if number % 2 == 0 { try await test.advance(.seconds(1)) }
                }

                var listed: [Job] = []
                var query = JobQuery(limit: 3)
                while true {
                    let page = try await test.store.jobs(matching: query)
                    listed += page
                    guard let last = page.last else { break }
                    #expect(page.count <= 3)
                    query.after = .init(submittedAt: last.submittedAt, jobID: last.id)
                }

                let keys = listed.map { ($0.submittedAt, $0.id.rawValue) }
                #expect(zip(keys, keys.dropFirst()).allSatisfy { $0 > $1 })
                #expect(Set(listed.map(\.id)) == Set(submitted) && listed.count == 7)
            },
            Rule("a listing is filtered by table and status") { test in
                let pending = try await test.accept(on: .orders)
                let cancelled = try await test.accept(on: .visits)
                _ = try await test.store.cancel(cancelled.id)

                func list(_ query: JobQuery) async throws -> Set<JobID> {
                    Set(try await test.store.jobs(matching: query).map(\.id))
                }
                #expect(try await list(JobQuery(table: .visits)) == [cancelled.id])
                #expect(try await list(JobQuery(status: .pending)) == [pending.id])
                #expect(try await list(JobQuery(table: .visits, status: .pending)).isEmpty)
                #expect(try await list(JobQuery()) == [pending.id, cancelled.id])
            },
            Rule("a limit outside 1 to 501 is moved to its nearest end") { test in
                try await test.accept(on: .orders)
                try await test.accept(on: .visits)

                #expect(try await test.store.jobs(matching: JobQuery(limit: 0)).count == 1)
                #expect(try await test.store.jobs(matching: JobQuery(limit: .max)).count == 2)
                #expect(try await test.store.jobs(matching: JobQuery(limit: .min)).count == 1)
            },
            Rule("a listing shows each job with its own results") { test in
                for (table, action) in [(TableName.orders, "a"), (.visits, "b")] {
                    let running = try await test.running(on: table)
                    try await test.store.record(.success(action), under: running.claim)
                }

                for job in try await test.store.jobs(matching: JobQuery()) {
                    #expect(job.results == [.success(job.table == .orders ? "a" : "b")])
                }
            },
            Rule("names and texts come back as they were, whatever they hold") { test in
                let odd = "quote ' \" back\\slash \u{1F600} é %_; DROP TABLE jobs; --"
                let submission = test.submission(
                    on: TableName(database: "a-b.c_1", table: "T-1"), actions: [odd],
                    options: ["x": .string(odd)], key: odd)
                _ = try await test.store.submit(submission)
                let running = try await test.claim()
                try await test.store.record(
                    ActionResult(
                        action: odd, isSuccess: false, message: odd, error: odd,
                        elapsedSeconds: 0),
                    under: running.claim)
                try await test.store.settle(
                    running.claim, as: .failed(error: odd, lock: .release))

                let job = try await test.job(submission.jobID)
                #expect(job.actions == [odd] && job.options == ["x": .string(odd)])
                #expect(job.error == odd && job.results.first?.message == odd)
                #expect(job.table == TableName(database: "a-b.c_1", table: "T-1"))
            },
            Rule("purging removes old ended jobs and nothing else") { test in
                let old = try await test.running()
                try await test.store.record(.success("expire_snapshots"), under: old.claim)
                try await test.store.settle(old.claim, as: .completed)
                let running = try await test.running(on: .visits)
                let waiting = try await test.accept(on: .orders)
                try await test.advance(.seconds(100))
                let table = TableName(database: "s", table: "young")
                let young = try await test.accept(on: table)
                _ = try await test.store.cancel(young.id)

                #expect(try await test.store.purgeHistory(olderThan: .seconds(200)) == 0)
                #expect(try await test.store.purgeHistory(olderThan: .seconds(50)) == 1)

                let left = try await test.store.jobs(
                    matching: JobQuery(visibility: .includingDeleted))
                #expect(Set(left.map(\.id)) == [waiting.id, running.job.id, young.id])
            },
            Rule("purging leaves a job whose journal is open") { test in
                let old = try await test.running()
                try await test.store.append(
                    [.init(path: "file:///a", kind: "data_file")], tableUUID: tableUUID,
                    under: old.claim)
                try await test.store.settle(old.claim, as: .completed)
                try await test.advance(.seconds(100))
                #expect(try await test.store.purgeHistory(olderThan: .seconds(50)) == 0)

                let replaying = try await test.running()
                let open = try await open(test)
                try await test.store.closeReplayed(open.map(\.id), under: replaying.claim)

                #expect(try await test.store.purgeHistory(olderThan: .seconds(50)) == 1)
            },
        ]
    }

    static var journal: [Rule] {
        [
            Rule("planned files are found by table until they are closed") { test in
                let running = try await test.running()
                let files = (1...3).map {
                    FileJournalEntry(path: "file:///f\($0)", kind: "data_file")
                }

                try await test.store.append(files, tableUUID: tableUUID, under: running.claim)
                try await test.store.append(files, tableUUID: tableUUID, under: running.claim)
                #expect(try await open(test).map(\.entry) == files)
                #expect(try await open(test).allSatisfy { $0.jobID == running.job.id })
                #expect(try await open(test, uuid: "another").isEmpty)

                try await test.store.close(paths: ["file:///f2"], under: running.claim)
                #expect(try await open(test).map(\.entry) == [files[0], files[2]])
            },
            Rule("open files are paged by id") { test in
                let running = try await test.running()
                let files = (1...5).map {
                    FileJournalEntry(path: "file:///f\($0)", kind: "data_file")
                }
                try await test.store.append(files, tableUUID: tableUUID, under: running.claim)

                let first = try await test.store.openEntries(
                    tableUUID: tableUUID, for: running.job.id, after: 0, limit: 2)
                let rest = try await test.store.openEntries(
                    tableUUID: tableUUID, for: running.job.id, after: first.last?.id ?? 0,
                    limit: 10)

                #expect(first.map(\.entry) == Array(files.prefix(2)))
                #expect(rest.map(\.entry) == Array(files.dropFirst(2)))
            },
            Rule("files of an unknown commit are never open again") { test in
                let running = try await test.running()
                let file = FileJournalEntry(path: "file:///f", kind: "data_file")
                try await test.store.append([file], tableUUID: tableUUID, under: running.claim)

                try await test.store.markUnknown(under: running.claim)
                #expect(try await open(test).isEmpty)
                try await test.store.append([file], tableUUID: tableUUID, under: running.claim)
                #expect(try await open(test).isEmpty)
            },
            Rule("a job that was cancelled can still say that its commit is unknown") { test in
                let running = try await test.running()
                let file = FileJournalEntry(path: "file:///f", kind: "data_file")
                try await test.store.append([file], tableUUID: tableUUID, under: running.claim)
                _ = try await test.store.cancel(running.job.id)
                #expect(try await open(test).map(\.entry) == [file])

                try await test.store.markUnknown(under: running.claim)

                #expect(try await open(test).isEmpty)
            },
            Rule("files that a job on another name of the table planned are not shown") { test in
                let running = try await test.running()
                let other = try await test.running(on: .init(database: "s", table: "copy"))
                let file = FileJournalEntry(path: "file:///f", kind: "data_file")
                try await test.store.append([file], tableUUID: tableUUID, under: other.claim)

                #expect(
                    try await test.store.openEntries(
                        tableUUID: tableUUID, for: running.job.id, after: 0, limit: 9
                    ).isEmpty)
                #expect(
                    try await test.store.openEntries(
                        tableUUID: tableUUID, for: other.job.id, after: 0, limit: 9
                    ).map(\.entry) == [file])
            },
            Rule("a closed file is open again when it is planned again") { test in
                let running = try await test.running()
                let file = FileJournalEntry(path: "file:///f", kind: "data_file")
                try await test.store.append([file], tableUUID: tableUUID, under: running.claim)
                try await test.store.close(paths: [file.path], under: running.claim)

                try await test.store.append([file], tableUUID: tableUUID, under: running.claim)

                #expect(try await open(test).map(\.entry) == [file])
            },
            Rule("closing and unknown touch only the claim's own files; a replay any") { test in
                let first = try await test.running()
                let file = FileJournalEntry(path: "file:///f", kind: "manifest")
                try await test.store.append([file], tableUUID: tableUUID, under: first.claim)
                try await test.store.settle(
                    first.claim, as: .failed(error: "crash", lock: .release))
                let second = try await test.running()

                try await test.store.close(paths: [file.path], under: second.claim)
                try await test.store.markUnknown(under: second.claim)
                #expect(try await open(test).map(\.jobID) == [first.job.id])

                try await test.store.closeReplayed(
                    try await open(test).map(\.id), under: second.claim)
                #expect(try await open(test).isEmpty)
            },
            Rule("a large batch is one call") { test in
                let running = try await test.running()
                let files = (0..<3000).map {
                    FileJournalEntry(path: "file:///data/part-\($0).parquet", kind: "data_file")
                }

                try await test.store.append(files, tableUUID: tableUUID, under: running.claim)
                try await test.store.close(
                    paths: files.dropLast().map(\.path), under: running.claim)

                #expect(try await open(test).map(\.entry) == [files[2999]])
                try await test.store.append([], tableUUID: tableUUID, under: running.claim)
                try await test.store.close(paths: [], under: running.claim)
                try await test.store.closeReplayed([], under: running.claim)
            },
        ]
    }

    private static func open(
        _ test: StoreUnderTest<Store>, uuid: String = tableUUID
    ) async throws -> [OpenFileJournalEntry] {
        let jobs = try await test.store.jobs(matching: JobQuery(visibility: .includingDeleted))
        guard let job = jobs.first(where: { $0.table == .orders }) else { return [] }
        return try await test.store.openEntries(
            tableUUID: uuid, for: job.id, after: 0, limit: 10_000)
    }

    static var cache: [Rule] {
        [
            Rule("before the first sync the cache is empty and says so") { test in
                let state = try await test.store.tableCacheState()

                #expect(state == TableCacheState(lastSynced: nil, tableCount: 0, age: nil))
                #expect(try await test.store.cachedTables(database: nil).isEmpty)
                #expect(try await test.store.cachedTable(.orders) == nil)
            },
            Rule("a sync replaces the whole listing") { test in
                let orders = CachedTable(
                    name: .orders, location: "file:///w/orders",
                    metadataLocation: "file:///w/orders/m.json", tableUUID: tableUUID,
                    formatVersion: 2, properties: ["a": "1", "b": "é"])
                let broken = CachedTable(name: .visits, error: "unreadable")
                try await test.store.replaceCachedTables([broken, orders])

                #expect(try await test.store.cachedTables(database: nil) == [orders, broken])
                #expect(try await test.store.cachedTables(database: "web.raw") == [broken])
                #expect(try await test.store.cachedTable(.orders) == orders)
                #expect(try await test.store.unreadableTables() == [.visits])
                #expect(try await test.store.tableCacheState().tableCount == 2)

                try await test.store.replaceCachedTables([orders])
                #expect(try await test.store.unreadableTables().isEmpty)
                #expect(try await test.store.cachedTable(.visits) == nil)
                try await test.advance(.seconds(100))
                let state = try await test.store.tableCacheState()
                #expect(state.tableCount == 1 && state.lastSynced != nil)
                #expect((state.age ?? .zero) >= .seconds(100))
                #expect((state.age ?? .zero) < .seconds(160))
            },
            Rule("an empty catalog is a good sync") { test in
                try await test.store.replaceCachedTables([])

                let state = try await test.store.tableCacheState()
                #expect(state.lastSynced != nil && state.tableCount == 0)
            },
            Rule("readers never see half a sync") { test in
                let even = (0..<20).map {
                    CachedTable(name: TableName(database: "even", table: "t\($0)"))
                }
                let odd = (0..<30).map {
                    CachedTable(name: TableName(database: "odd", table: "t\($0)"))
                }
                try await test.store.replaceCachedTables(even)

                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for number in 0..<10 {
                            try await test.store.replaceCachedTables(number % 2 == 0 ? odd : even)
                        }
                    }
                    for _ in 0..<20 {
                        group.addTask {
                            let tables = try await test.store.cachedTables(database: nil)
                            let databases = Set(tables.map(\.name.database))
                            #expect(databases.count == 1)
                            #expect(tables.count == (databases == ["even"] ? 20 : 30))
                        }
                    }
                    try await group.waitForAll()
                }
            },
            Rule("only one sync runs at a time, and a failed one lets go") { test in
                let inner = try await test.store.withLock(.tableSync) {
                    try await test.store.withLock(.tableSync) { 1 } ?? 0
                }
                #expect(inner == 0)
                await #expect(throws: BrokenExpectation.self) {
                    try await test.store.withLock(.tableSync) {
                        throw BrokenExpectation(description: "sync failed")
                    }
                }
                #expect(try await test.store.withLock(.tableSync) { 2 } == 2)
            },
            Rule("one kind of task does not exclude another") { test in
                let inner = try await test.store.withLock(.tableSync) {
                    try await test.store.withLock(.orchestratorRun) { 1 } ?? 0
                }
                #expect(inner == 1)
            },
            Rule("runs of the orchestrator come back as they were recorded, newest first") { test in
                var run = OrchestratorRun(
                    startedAt: Timestamp(microseconds: 1_777_127_700_000_001),
                    completedAt: Timestamp(microseconds: 1_777_127_760_000_002), status: .partial)
                run.tablesAssessed = OrchestratorRun.maximumCount
                run.tablesSkipped = 2
                run.tablesHealthy = 3
                run.jobsSubmitted = 4
                run.jobsCompleted = 5
                run.jobsFailed = 6
                run.isDryRun = true
                run.error = "it's \u{1F9CA}; \"quoted\""
                let plain = OrchestratorRun(
                    startedAt: run.startedAt, completedAt: run.startedAt, status: .completed)

                let first = try await test.store.record(run)
                let second = try await test.store.record(plain)

                #expect(first.run == run)
                #expect(second.run == plain)
                #expect(second.id > first.id)
                #expect(try await test.store.orchestratorRuns(limit: 10) == [second, first])
                #expect(try await test.store.orchestratorRuns(limit: 1) == [second])
                #expect(try await test.store.orchestratorRuns(limit: 0).isEmpty)
                #expect(try await test.store.orchestratorRun(first.id) == first)
                #expect(try await test.store.orchestratorRun(second.id + 1) == nil)
            },
            Rule("the audit log takes events about any job or none") { test in
                try await test.store.audit(
                    AuditEvent(actor: "a", event: "job.submitted", jobID: .random()))
                try await test.store.audit(
                    AuditEvent(actor: "a", event: "x", jobID: nil, details: ["k": "v"]))
            },
            Rule("a store answers a ping until it is shut down") { test in
                try await test.store.ping(within: .seconds(30))
                await test.store.shutdown()

                let error = await #expect(throws: JobStoreError.self) {
                    try await test.store.ping(within: .seconds(30))
                }
                guard case .unavailable? = error else {
                    Issue.record("expected to be unavailable, was \(String(describing: error))")
                    return
                }
            },
        ]
    }
}
