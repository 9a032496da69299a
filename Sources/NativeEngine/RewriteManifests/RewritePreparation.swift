// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import FoundationEssentials
import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage

/// New manifests, verified, and those that they replace.
struct WrittenGroup: Sendable {
    let key: ManifestGroupKey
    let sourcePaths: [String]
    let created: [StoredManifest]
    let entryCount: Int64
    let sourceBytes: Int64
}

/// A rewrite worked out and written on one version of a table.
struct PreparedRewrite: Sendable {
    let base: LoadedTable
    let plan: RewriteManifestsPlan
    let snapshot: Snapshot
    let proposal: CommitProposal
    let replacedCount: Int
    let createdCount: Int
    let keptCount: Int
    let entryCount: Int64
    let sourceBytes: Int64
    let createdBytes: Int64
    /// The new files that are the table's once it is committed.
    let written: Set<String>
}

/// Works out rewrites, and keeps from one try to the next what is still right.
struct RewritePreparation<Tables: Catalog, Storage: ObjectStorage> {
    let engine: NativeEngine<Tables, Storage>
    let options: RewriteManifestsOptions
    let context: RunContext

    /// The files that were written so far.
    private(set) var outputs: OutputFiles<Storage>
    private var groups: [WrittenGroup] = []
    private var listPath: String?
    private var hasPlanned = false
    private var snapshotID: Int64?
    private let stem = UUID().uuidString.lowercased()
    private var manifestNumber = 0
    private var attempt = 0

    init(
        engine: NativeEngine<Tables, Storage>, options: RewriteManifestsOptions,
        context: RunContext, table: LoadedTable
    ) {
        self.engine = engine
        self.options = options
        self.context = context
        outputs = OutputFiles(
            storage: engine.storage, context: context, tableUUID: table.journalKey)
    }

    /// Plans on a table as it was loaded and writes what the commit needs; nil if nothing is
    /// gained.
    ///
    /// When it is called again, no earlier commit got in. New manifests stay good as long as the
    /// table has all that they were made from; of those that it has not, the group is done anew.
    /// What other writers added meanwhile is left to the next run, so that the race ends.
    mutating func prepare(
        _ table: LoadedTable
    ) async throws(MaintenanceError) -> PreparedRewrite? {
        try MaintenanceError.checkCancellation()
        try outputs.check(table)
        try RewriteManifestsSource<Tables, Storage>.checkPlain(table)
        if let listPath { try await outputs.remove([listPath]) }
        listPath = nil
        let source = RewriteManifestsSource(engine: engine)
        guard let parent = table.metadata.currentSnapshot else {
            try await drop { _ in false }
            return nil
        }
        let current = try await source.manifests(of: parent)
        let present = Set(current.map(\.path))
        let dropped = try await drop { $0.sourcePaths.allSatisfy(present.contains) }
        let taken = Set(groups.flatMap(\.sourcePaths))
        let plan = try source.plan(
            table, current.filter { !taken.contains($0.path) }, options)
        for group in plan.groups where !hasPlanned || dropped.contains(group.key) {
            groups.append(try await write(group, of: table, targetBytes: plan.targetBytes))
        }
        hasPlanned = true
        guard !groups.isEmpty || !plan.emptied.isEmpty else { return nil }
        return try await complete(table, parent, current, plan)
    }

    /// Removes every file that was written, after a failure that is certain.
    mutating func removeOutputs() async throws(MaintenanceError) {
        groups = []
        listPath = nil
        try await outputs.removeAll()
    }

    /// Removes the new manifests of groups that are not right any more; returns their keys.
    @discardableResult
    private mutating func drop(
        unless isRight: (WrittenGroup) -> Bool
    ) async throws(MaintenanceError) -> Set<ManifestGroupKey> {
        let wrong = groups.filter { !isRight($0) }
        guard !wrong.isEmpty else { return [] }
        groups.removeAll { group in wrong.contains { $0.key == group.key } }
        try await outputs.remove(wrong.flatMap { $0.created.map(\.row.path) })
        return Set(wrong.map(\.key))
    }
}

// MARK: Manifests

extension RewritePreparation {
    private mutating func write(
        _ group: ManifestGroup, of table: LoadedTable, targetBytes: Int64
    ) async throws(MaintenanceError) -> WrittenGroup {
        let kind = try table.metadata.manifestKind(ofSpec: group.key.specID, group.key.content)
        let reader = GroupReader(
            storage: engine.storage, kind: kind, sortFields: group.sortFields,
            width: engine.settings.readWidth, memoryBytes: engine.settings.memoryBytes / 2,
            report: context.report)
        let survey = try await reader.survey(group.sources)
        var roller = ManifestRoller(
            kind, plainBytes: survey.plainBytes, targetBytes: targetBytes)
        var created: [StoredManifest] = []
        let folder = MetadataFileName.folder(of: table.metadata)
        try await reader.forEachEntry(of: survey) { (entry) async throws(MaintenanceError) in
            let complete = try Self.unwrap { () throws(AvroError) in try roller.append(entry) }
            if let complete { created.append(try await store(complete, in: folder)) }
        }
        if let rest = try Self.unwrap({ () throws(AvroError) in try roller.finish() }) {
            created.append(try await store(rest, in: folder))
        }
        if options.verifies {
            do throws(VerificationFailure) {
                try await ManifestVerification(storage: engine.storage, kind: kind)
                    .check(created, against: survey.digests)
            } catch {
                throw MaintenanceError(error)
            }
        }
        return WrittenGroup(
            key: group.key, sourcePaths: group.sources.map(\.path), created: created,
            entryCount: survey.digests.count,
            sourceBytes: group.sources.reduce(0) { $0 &+ $1.length })
    }

    private mutating func store(
        _ manifest: FinishedManifest, in folder: Location
    ) async throws(MaintenanceError) -> StoredManifest {
        let location = folder.appending("\(stem)-m\(manifestNumber).avro")
        manifestNumber += 1
        var row = manifest.row
        row.path = location.rawValue
        row.length = try await outputs.write(manifest.bytes, to: location, kind: .manifest)
        return StoredManifest(row: row, unassignedRowCount: manifest.unassignedRowCount)
    }

    private static func unwrap<Value>(
        _ body: () throws(AvroError) -> Value
    ) throws(MaintenanceError) -> Value {
        do throws(AvroError) { return try body() } catch {
            throw .unreadable(reason: "nothing was changed: a manifest cannot be written: \(error)")
        }
    }
}

// MARK: The snapshot

extension RewritePreparation {
    private mutating func complete(
        _ table: LoadedTable, _ parent: Snapshot, _ current: [ManifestFile],
        _ plan: RewriteManifestsPlan
    ) async throws(MaintenanceError) -> PreparedRewrite {
        let replaced = Set(groups.flatMap(\.sourcePaths) + plan.emptied.map(\.path))
        let created = groups.flatMap(\.created)
        let id = newSnapshotID(in: table.metadata)
        let draft: ReplaceSnapshot
        let bytes: [UInt8]
        do throws(ReplaceSnapshotError) {
            draft = try ReplaceSnapshot(
                of: table.metadata, parent: parent, id: id, current: current, replacing: replaced,
                by: created, nowMilliseconds: Int64(Date().timeIntervalSince1970 * 1000))
            bytes = try draft.manifestList()
        } catch {
            throw .unreadable(reason: "nothing was changed: \(error)")
        }
        attempt += 1
        let location = MetadataFileName.folder(of: table.metadata)
            .appending("snap-\(id)-\(attempt)-\(stem).avro")
        _ = try await outputs.write(bytes, to: location, kind: .manifestList)
        listPath = location.rawValue
        do throws(VerificationFailure) {
            try await ManifestListVerification(storage: engine.storage).check(
                location, current: current, replacing: replaced, by: created, in: draft)
        } catch {
            throw MaintenanceError(error)
        }
        let entryCount = groups.reduce(0) { $0 + $1.entryCount }
        let keptCount = draft.rows.count - created.count
        let snapshot = draft.snapshot(
            manifestList: location.rawValue,
            summary: [
                ("manifests-created", String(created.count)),
                ("manifests-kept", String(keptCount)),
                ("manifests-replaced", String(current.count - keptCount)),
                ("entries-processed", String(entryCount)),
                ("changed-partition-count", "0"),
                ("icepack.job-id", context.attempt.jobID),
                ("icepack.attempt-id", context.attempt.attemptID),
            ])
        return PreparedRewrite(
            base: table, plan: plan, snapshot: snapshot,
            proposal: CommitProposal(
                updates: draft.updates(adding: snapshot), requirements: draft.requirements,
                isApplied: { $0.metadata.snapshot(id) != nil }),
            replacedCount: current.count - keptCount, createdCount: created.count,
            keptCount: keptCount, entryCount: entryCount,
            sourceBytes: groups.reduce(0) { $0 &+ $1.sourceBytes },
            createdBytes: created.reduce(0) { $0 &+ $1.row.length },
            written: Set(created.map(\.row.path) + [location.rawValue]))
    }

    /// The run's snapshot id, unless another snapshot has got it meanwhile.
    private mutating func newSnapshotID(in metadata: TableMetadata) -> Int64 {
        var id = snapshotID ?? Int64.random(in: 1...Int64.max)
        while metadata.snapshot(id) != nil { id = Int64.random(in: 1...Int64.max) }
        snapshotID = id
        return id
    }
}
