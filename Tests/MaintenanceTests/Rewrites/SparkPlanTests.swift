// SPDX-License-Identifier: Apache-2.0

import Foundation
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import StorageTestSupport
import TestSupport
import Testing
import WireFormat

/// Our plans beside what Iceberg's procedures rewrite, on seeded tables and with the same options.
///
/// What the procedures rewrite beyond them are files that would only become as many, which our
/// plans count (ADR 0019). From version 3 on our plans have all position delete files, and no
/// vectors (ADR 0042).
///
/// Four tables; `ICEPACK_SPARK_PLANS` says how many otherwise. Needs `make test-spark-tables`.
@Suite(.serialized, .enabled(if: Oracles.comparesWithSpark, "run it with make test-spark-tables"))
struct SparkPlanTests {
    private static let tables =
        ProcessInfo.processInfo.environment["ICEPACK_SPARK_PLANS"].flatMap(Int.init) ?? 4

    /// A file of a snapshot; deletion vectors share a path.
    private struct FileKey: Hashable {
        let path: String
        let offset: Int64?

        init(_ file: LiveFile) {
            path = file.path
            offset = file.contentOffset
        }
    }

    /// The current snapshot of a metadata file, read through.
    private struct Seen: LiveFileCollector {
        var planner: RewriteDataFilesPlanner?
        var data: Set<FileKey> = []
        var deletes: [LiveFile] = []

        mutating func add(manifests: [ManifestFile]) {}
        mutating func add(deleteFiles index: DeleteFileIndex) { deletes = index.files }
        mutating func add(_ file: LiveFile, _ deletes: AppliedDeletes) {
            planner?.add(file, deletes)
            data.insert(FileKey(file))
        }

        func files(_ action: MaintenanceAction) -> Set<FileKey> {
            action == .rewriteDataFiles
                ? data : Set(deletes.filter { $0.content == .positionDeletes }.map(FileKey.init))
        }
    }

    /// What a procedure was told and did.
    private struct Call {
        let title: String
        let action: MaintenanceAction
        let options: ActionOptions
        let before: String
        let after: String
        let count: Int?

        init(_ value: JSONValue) throws {
            let members = try #require(value.objectValue)
            let name = try #require(members["action"]?.stringValue)
            action = try #require(MaintenanceAction(rawValue: name))
            let given = try #require(members["options"])
            title = "\(name) of table \(members["seed"]?.text() ?? "?") with \(given.text())"
            options = try ActionOptions.validating(given, for: action)
            before = try #require(members["before"]?.stringValue)
            after = try #require(members["after"]?.stringValue)
            let result = try #require(members["result"]?.objectValue)
            count =
                (result["rewritten_data_files_count"] ?? result["rewritten_delete_files_count"])?
                .intValue
        }
    }

    @Test(.timeLimit(.minutes(60)))
    func `given the same options our plan has the files that the procedure rewrites`()
        async throws
    {
        let folder = try ScratchFolder()
        let answer = try await Oracles.runOnSpark(
            "spark_plans.py", ["--warehouse", folder.path, "--tables", "\(Self.tables)"])
        let calls = try #require(answer.arrayValue).map(Call.init)
        var rewriting = 0
        var exact = 0
        for call in calls {
            let planned = try await Self.plan(call)
            let before = try await Self.look(call.before).seen.files(call.action)
            let after = try await Self.look(call.after).seen.files(call.action)
            let rewritten = before.subtracting(after)
            if planned.convertsAll {
                #expect(
                    rewritten.filter { $0.offset == nil }.isSubset(of: planned.files),
                    "\(call.title)")
            } else {
                #expect(planned.files.isSubset(of: rewritten), "\(call.title)")
                let beyond = rewritten.subtracting(planned.files).count
                #expect(beyond <= planned.gainless, "\(call.title)")
            }
            exact += planned.files == rewritten ? 1 : 0
            #expect(call.count == rewritten.count, "\(call.title)")
            rewriting += rewritten.isEmpty ? 0 : 1
        }
        #expect(calls.count >= Self.tables)
        #expect(rewriting * 3 > calls.count, "most calls had nothing to do")
        #expect(exact * 3 > calls.count * 2, "\(exact) of \(calls.count) plans are the very same")
        print(
            "spark plans: \(calls.count) calls on \(Self.tables) tables, \(rewriting) with work,",
            "\(exact) with the very same files")
    }

    /// The files that we would rewrite, and how many would only become as many.
    private struct Planned {
        let files: Set<FileKey>
        let gainless: Int
        /// Whether every position delete file becomes vectors.
        var convertsAll = false
    }

    private static func plan(_ call: Call) async throws -> Planned {
        let location = call.before
        if call.action == .rewritePositionDeleteFiles {
            let (metadata, seen) = try await look(location)
            let settings = try RewritePositionDeleteFilesSettings.resolve(
                metadata, options: call.options)
            let plan = RewritePositionDeleteFilesPlanner.plan(
                seen.deletes, settings: settings, metadata: metadata)
            return Planned(
                files: Set(plan.groups.flatMap(\.files).map(FileKey.init)),
                gainless: plan.gainless.files, convertsAll: metadata.formatVersion >= .v3)
        }
        let seen = try await look(location) { metadata in
            let settings = try RewriteDataFilesSettings.resolve(metadata, options: call.options)
            return RewriteDataFilesPlanner(settings.settings, metadata: metadata)
        }.seen
        let plan = try #require(seen.planner).plan()
        return Planned(
            files: Set(plan.groups.flatMap(\.files).map(FileKey.init)),
            gainless: plan.gainless.files)
    }

    private static func look(
        _ location: String,
        planner: (TableMetadata) throws -> RewriteDataFilesPlanner? = { _ in nil }
    ) async throws -> (metadata: TableMetadata, seen: Seen) {
        let path = location.replacing("file:", with: "")
        let metadata = try TableMetadata(
            parsing: Array(try Data(contentsOf: URL(filePath: path))))
        let seen = Seen(planner: try planner(metadata))
        guard let snapshot = metadata.currentSnapshot else { return (metadata, seen) }
        let scan = SnapshotScan(storage: LocalStorage(), metadata: metadata)
        return (metadata, try await scan.collect(snapshot, into: seen))
    }
}
