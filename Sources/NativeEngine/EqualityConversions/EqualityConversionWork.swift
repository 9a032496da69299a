// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import ParquetFormat

/// Turns the equality deletes of a plan into position deletes, and commits them.
struct EqualityConversionWork<Tables: Catalog, Storage: ObjectStorage> {
    private let engine: NativeEngine<Tables, Storage>
    private let options: RewriteDataFilesOptions
    private let isVerified: Bool
    private let planned: PlannedDeleteRewrite

    /// What was written and committed so far.
    var commits: GroupCommits<Tables, Storage, ConversionRules>

    init(
        engine: NativeEngine<Tables, Storage>, request: ActionRequest, context: RunContext,
        planned: PlannedDeleteRewrite
    ) {
        self.engine = engine
        self.planned = planned
        options = RewriteDataFilesOptions(request.options)
        isVerified = request.options.boolean("verify") ?? true
        commits = GroupCommits(
            engine: engine, context: context, table: planned.table,
            progress: PartialProgress(
                maxCommits: options.maxCommits, maxFailedCommits: options.maxFailedCommits),
            rules: ConversionRules(formatVersion: planned.table.metadata.formatVersion),
            refused: planned.refusedConversions)
    }

    mutating func run() async throws(MaintenanceError) {
        let conversions = planned.conversions
        guard !conversions.isEmpty else { return }
        let limits = RewriteLimits(
            engine.settings, groupCount: conversions.count,
            mostAtOnce: options.maxConcurrentGroups)
        let converter = try await converter(limits)
        try await commits.run(
            conversions.map(\.group), atOnce: limits.groups, phase: "converting equality deletes"
        ) { (turn, _, outputs, progress) async throws(GroupFailure) -> ConvertedDeletes in
            try await converter.convert(
                conversions[turn.ordinal], turn, into: &outputs, progress: progress)
        }
    }

    private func converter(
        _ limits: RewriteLimits
    ) async throws(MaintenanceError) -> EqualityConverter<Storage> {
        let (storage, metadata) = (engine.storage, planned.table.metadata)
        let targets = planned.conversions.flatMap(\.targets)
        let deletes = planned.conversions.filter { !$0.targets.isEmpty }.flatMap(\.group.files)
        guard let index = planned.deletes else {
            throw .unreadable(reason: "nothing was changed: the delete files were not read")
        }
        let entries = try await SourceEntries(engine: engine, metadata: metadata)
            .entries(of: targets, and: deletes, in: planned.manifests)
        let mapping: NameMapping?
        let writer: DeleteGroupWriter<Storage>
        do throws(Unsupported) {
            mapping = try FieldNaming.mapping(of: metadata)
            writer = try DeleteGroupWriter(
                metadata, storage: storage,
                granularity: planned.plan.settings.granularity.value, limits: limits)
        } catch {
            throw .refused(code: "unsupported_table", reason: error.reason)
        }
        let finder = try EqualityDeleteFinder(
            deletes, of: metadata, files: targets, entries: entries, storage: storage,
            mapping: mapping, limits: limits)
        let audit = EqualityDeleteAudit(
            deletes, of: metadata, storage: storage, mapping: mapping, limits: limits)
        return EqualityConverter(
            formatVersion: metadata.formatVersion, index: index, entries: entries,
            opener: DataFileOpener(
                metadata, storage: storage, mapping: mapping, limits: limits,
                isVerified: isVerified), settings: settings(limits),
            search: EqualityDeleteSearch(finder, isVerified ? audit : nil),
            loader: try await loader(index, targets, limits), writer: writer,
            proof: isVerified
                ? DeleteProof(storage: storage, specs: metadata.partitionSpecs, limits: limits)
                : nil,
            mostRows: Self.mostRows(deletes, limits))
    }

    private func settings(_ limits: RewriteLimits) -> ParquetWriteSettings {
        var settings = ParquetWriteSettings()
        settings.fit(memory: limits.workBytes)
        return settings
    }

    /// How many rows of data files are taken at a time, so that memory holds the positions of all.
    ///
    /// A row may be found once for each set of columns, by deletes of its partition and by those of
    /// the whole table.
    private static func mostRows(_ deletes: [LiveFile], _ limits: RewriteLimits) -> Int {
        let kinds = Set(deletes.map { Set($0.equalityIDs) }).count
        return max(1, limits.expandedDeletes / max(1, 2 * kinds))
    }

    /// Brings what position deletes delete already, where vectors are written.
    private func loader(
        _ index: DeleteFileIndex, _ targets: [LiveFile], _ limits: RewriteLimits
    ) async throws(MaintenanceError) -> GroupDeleteLoader<Storage> {
        let metadata = planned.table.metadata
        var strays: [String: String] = [:]
        if metadata.formatVersion >= .v3 {
            strays = try await StrayDeletes(
                naming: DeleteNaming(
                    storage: engine.storage, metadata: metadata, manifests: planned.manifests,
                    width: limits.width, limit: limits.deleteBytes),
                index: index
            ).find(among: targets)
        }
        return GroupDeleteLoader(
            storage: engine.storage, index: index, strays: strays, width: limits.width,
            limit: limits.deleteBytes)
    }
}
