// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage
import SparkEngine
import Synchronization
import TestSupport
import Testing
import WireFormat

/// What Spark lists as orphans goes to those who decide about it.
@Suite struct OrphanGuardTests {
    /// Takes note of what it is asked to remove.
    private final class Recorder: OrphanGuard {
        private let state = Mutex<(found: [[Location]], error: MaintenanceError?)>(([], nil))

        var found: [[Location]] { state.withLock(\.found) }

        func fail(with error: MaintenanceError) { state.withLock { $0.error = error } }

        func plan(
            _ request: ActionRequest, among candidates: [Location]
        ) async throws(MaintenanceError) -> ActionPlan {
            state.withLock { $0.found.append(candidates) }
            var summary = JSONObject()
            summary["orphan_files_count"] = .integer(candidates.count)
            return ActionPlan(
                snapshotID: nil, hasWork: !candidates.isEmpty, summary: summary)
        }

        func run(
            _ request: ActionRequest, among candidates: [Location], in context: RunContext
        ) async throws(MaintenanceError) -> ActionReport {
            let error = state.withLock { state in
                state.found.append(candidates)
                return state.error
            }
            if let error { throw error }
            return ActionReport(message: "judged", impact: nil, metrics: JSONObject())
        }
    }

    private static let listing = Result<SparkRows, SparkServerError>.success(
        SparkRows(
            columns: ["orphan_file_location"], rows: [[.text("s3a://b/x")], [.text("file:/y")]]))
    private static let named = [Location("s3://b/x"), Location("file:/y")]

    @Test(arguments: [JSONValue.null, ["dry_run": true], ["mode": "delete"]])
    func `what the procedure names is judged, and nothing else is reported`(
        options: JSONValue
    ) async throws {
        let recorder = Recorder()
        let bench = try Bench(.init(rows: [Self.listing]), orphanGuard: recorder)

        let report = try await bench.run(.removeOrphanFiles, options).get()

        #expect(recorder.found == [Self.named])
        #expect(report.message == "judged")
        #expect(bench.server.statements[0].contains("dry_run => true"))
        #expect(!bench.server.statements[0].contains("mode"))
        // Nothing is left in Spark while files move.
        #expect(bench.notebook.kept.last == .some(nil))
    }

    @Test func `a list that was adopted is judged too, and a lost one is made anew`() async throws {
        let recorder = Recorder()
        let adopting = try Bench(.init(rows: [Self.listing]), orphanGuard: recorder)
        let saved = try adopting.saved(.removeOrphanFiles).json
        _ = try await adopting.run(.removeOrphanFiles, inheriting: saved).get()
        #expect(recorder.found == [Self.named])
        #expect(adopting.server.statements.isEmpty)

        let losing = try Bench(
            .init(rows: [.failure(.handleLost(reason: "gone")), Self.listing]),
            orphanGuard: recorder)
        _ = try await losing.run(.removeOrphanFiles, inheriting: saved).get()
        #expect(recorder.found == [Self.named, Self.named])
        #expect(losing.server.statements.count == 1)
    }

    @Test func `what stops the judging ends the action`() async throws {
        let recorder = Recorder()
        recorder.fail(with: .fenceLost)
        let bench = try Bench(.init(rows: [Self.listing]), orphanGuard: recorder)

        guard case .failure(.fenceLost) = try await bench.run(.removeOrphanFiles) else {
            Issue.record("the fence was lost")
            return
        }
    }

    @Test func `a list too long to read is refused with what to change`() async throws {
        let recorder = Recorder()
        let bench = try Bench(
            .init(rows: [.failure(.tooLarge(reason: "more than 1000000 (rows)"))]),
            orphanGuard: recorder)

        guard case .failure(.refused(_, let reason)) = try await bench.run(.removeOrphanFiles)
        else {
            Issue.record("it would be as long again")
            return
        }
        #expect(reason.contains("location"))
        #expect(recorder.found.isEmpty)
    }

    @Test func `a plan is judged`() async throws {
        let recorder = Recorder()
        let bench = try Bench(.init(rows: [Self.listing]), orphanGuard: recorder)

        let plan = try await bench.moving { [bench] in
            try await bench.engine.plan(TestTable.request(.removeOrphanFiles)).summary
        }

        #expect(recorder.found == [Self.named])
        #expect(plan["orphan_files_count"] == 2)
        #expect(plan["statement"]?.stringValue?.contains("remove_orphan_files") == true)
    }
}
