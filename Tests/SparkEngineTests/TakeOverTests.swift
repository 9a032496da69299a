// SPDX-License-Identifier: Apache-2.0

import Maintenance
import SparkEngine
import TestSupport
import Testing
import WireFormat

/// An attempt deals with what an earlier one left before it does anything of its own.
@Suite struct TakeOverTests {
    private static let rewritten = SparkRows(
        columns: ["rewritten_data_files_count", "added_data_files_count"],
        rows: [[.integer(9), .integer(2)]])

    @Test func `a statement that still runs is adopted`() async throws {
        let bench = try Bench(
            .init(
                statuses: [.success(.init(state: .running)), .success(.init(state: .finished))],
                rows: [.success(Self.rewritten)]))

        let report = try await bench.run(inheriting: bench.saved().json).get()

        #expect(report.impact == "9 -> 2 data files")
        #expect(
            bench.server.log == ["status", "status", "rows", "close operation", "close old"])
        #expect(bench.server.statements.isEmpty)
        #expect(bench.notebook.kept == [nil])
    }

    @Test func `an adopted expiry counts from before the first attempt`() async throws {
        let base = TestTable(snapshots: (1...5).map { .init(id: $0) })
        let bench = try Bench(
            table: TestTable(version: 2, firstSequenceNumber: 4, snapshots: [.init(id: 4)]))

        let report = try await bench.run(
            .expireSnapshots, inheriting: bench.saved(.expireSnapshots, base: base).json
        ).get()

        #expect(report.metrics["expired_snapshots_count"] == 4)
    }

    @Test func `a statement that met another commit meanwhile is repeated`() async throws {
        let bench = try Bench(
            .init(
                statuses: [
                    .success(.init(state: .failed, message: "CommitFailedException: x")),
                    .success(.init(state: .finished)),
                ], rows: [.success(Self.rewritten)]))

        _ = try await bench.run(inheriting: bench.saved().json).get()

        #expect(
            bench.server.log == [
                "status", "close operation", "close old", "open", "execute session-1", "status",
                "rows", "close operation", "close session-1",
            ])
    }

    @Test func `a statement that lost Spark meanwhile is seen gone before its repetition`()
        async throws
    {
        let lost = SparkOperationStatus(state: .failed, message: "Connection refused")
        let bench = try Bench(
            .init(
                statuses: [.success(lost), .success(lost), .success(.init(state: .finished))],
                statusAfterCancel: nil, rows: [.success(Self.rewritten)]))

        _ = try await bench.run(inheriting: bench.saved().json).get()

        let log = bench.server.log
        #expect(log.prefix(4) == ["status", "status", "cancel", "close old"])
        #expect(log.contains("execute session-1"))
        #expect(bench.applications?.log.contains("threads of app-1") == true)

        let unseen = try Bench(
            .init(statuses: [.success(lost)], statusAfterCancel: nil), applications: nil)
        guard case .failure(.stillRunning) = try await unseen.run(inheriting: bench.saved().json)
        else {
            Issue.record("it must not begin")
            return
        }
        #expect(unseen.server.statements.isEmpty)
    }

    @Test(arguments: [
        ("CommitStateUnknownException: x", "unknown"), ("AccessDenied", "spark_refused"),
        ("java.lang.NullPointerException", "spark_failed"),
    ])
    func `a failure that nobody may repeat is not repeated by an heir`(
        message: String, expected: String
    ) async throws {
        let bench = try Bench(
            .init(statuses: [.success(.init(state: .failed, message: message))]))

        switch try await bench.run(inheriting: bench.saved().json) {
        case .failure(.commitUnknown): #expect(expected == "unknown")
        case .failure(.refused(let code, _)): #expect(expected == code)
        case .failure(let error): Issue.record("\(error)")
        case .success: Issue.record("it was called again")
        }
        #expect(bench.server.statements.isEmpty)
        #expect(bench.server.log.contains("close old"))
        #expect(bench.notebook.kept == [nil])
    }

    @Test func `a lost statement is seen gone before its repetition`() async throws {
        let bench = try Bench(
            .init(
                statuses: [
                    .failure(.handleLost(reason: "unknown")),
                    .failure(.handleLost(reason: "unknown")),
                    .success(.init(state: .finished)),
                ], statusAfterCancel: nil))

        _ = try await bench.run(inheriting: bench.saved().json).get()

        let log = bench.server.log
        let closed = try #require(log.firstIndex(of: "close old"))
        let called = try #require(log.firstIndex(of: "execute session-1"))
        #expect(closed < called)
        #expect(bench.applications?.log.contains("look") == true)
    }

    @Test func `nothing is begun while the lost statement's jobs run`() async throws {
        let mark = try Bench().saved().mark
        let statement = SparkStatement(
            application: "app-1", description: mark.comment + " CALL", isRunning: true,
            runningJobs: [])
        let bench = try Bench(
            .init(statuses: [.failure(.handleLost(reason: "unknown"))], statusAfterCancel: nil),
            applications: .init(looks: [
                .success(.init(applications: ["app-1"], statements: [statement], jobs: []))
            ]))

        guard case .failure(.unavailable) = try await bench.run(inheriting: bench.saved().json)
        else {
            Issue.record("it must wait")
            return
        }
        #expect(bench.server.statements.isEmpty)
        #expect(bench.notebook.aftermaths.map(\.state) == [.unknown])
        #expect(bench.notebook.kept.isEmpty)
    }

    @Test func `without anything to look with, a lost statement stays in the way`() async throws {
        let bench = try Bench(
            .init(statuses: [.failure(.handleLost(reason: "unknown"))], statusAfterCancel: nil),
            applications: nil)

        guard case .failure(.stillRunning) = try await bench.run(inheriting: bench.saved().json)
        else {
            Issue.record("it must not begin")
            return
        }
        #expect(bench.server.statements.isEmpty)
    }

    @Test(arguments: [true, false])
    func `another action's statement, or one without a handle, is stopped first`(
        isOther: Bool
    ) async throws {
        let bench = try Bench(.init(statuses: [.success(.init(state: .finished))]))
        let saved =
            isOther ? try bench.saved(.rewriteManifests) : try bench.saved(operation: nil)

        _ = try await bench.run(inheriting: saved.json).get()

        let log = bench.server.log
        let closed = try #require(log.firstIndex(of: "close old"))
        #expect(closed < (log.firstIndex(of: "open") ?? 0))
    }

    @Test func `another engine's state is none of ours`() async throws {
        let bench = try Bench()
        _ = try await bench.run(inheriting: ["engine": "native"]).get()
        #expect(bench.server.log.first == "open")
        #expect(
            await bench.engine.settleAbandoned(
                TestTable.identifier, state: ["engine": "native"]) == nil)
    }

    @Test func `a state of ours that cannot be read stays in the way`() async throws {
        let bench = try Bench()

        guard case .failure(.stillRunning) = try await bench.run(inheriting: ["engine": "spark"])
        else {
            Issue.record("it must not begin")
            return
        }
        #expect(bench.server.log.isEmpty)
        let aftermath = await bench.engine.settleAbandoned(
            TestTable.identifier, state: ["engine": "spark"])
        #expect(aftermath?.state == .unknown)
    }

    @Test func `an abandoned statement is stopped and the table is looked at`() async throws {
        var table = TestTable(version: 2, snapshots: [.init(id: 1)])
        table.snapshots.append(.init(id: 2, operation: "replace", summary: ["app-id": "app-1"]))
        let bench = try Bench(
            .init(statuses: [.success(.init(state: .running))]), table: table)

        let aftermath = try await bench.moving { [bench] in
            await bench.engine.settleAbandoned(
                TestTable.identifier, state: try bench.saved().json)
        }

        #expect(aftermath?.state == .stopped)
        #expect(aftermath?.commits.map(\.snapshotID) == [2])
        #expect(bench.server.log == ["status", "cancel", "close old"])
    }
}
