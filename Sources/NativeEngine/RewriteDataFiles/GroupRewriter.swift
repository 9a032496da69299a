// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import ParquetFormat
import RowSets

/// Writes the new files of groups, and compares them with the old ones; several at once if wanted.
struct GroupRewriter<Storage: ObjectStorage>: Sendable {
    typealias Source = DataFileSource<Storage>
    typealias File = ParquetFile<Source>

    private let storage: Storage
    private let metadata: TableMetadata
    private let schema: Schema
    private let options: RewriteDataFilesOptions
    private let limits: RewriteLimits
    private let target: ParquetSchema
    private let arrangement: RowArrangement
    private let properties: WriterProperties
    private let sizes: FileSizes
    private let mapping: NameMapping?
    private let names: DataFileNames
    private let opener: DataFileOpener<Storage>
    private var search: EqualityDeleteSearch<Storage>?

    init(
        _ metadata: TableMetadata, storage: Storage, settings: RewriteDataFilesSettings,
        options: RewriteDataFilesOptions, limits: RewriteLimits
    ) throws(Unsupported) {
        guard let schema = metadata.schema(metadata.currentSchemaID) else {
            throw Unsupported(reason: "the table has no current schema")
        }
        self.storage = storage
        self.metadata = metadata
        self.schema = schema
        self.options = options
        self.limits = limits
        target = try FileSchema.target(of: schema, withLineage: metadata.formatVersion == .v3)
        arrangement = try RowArrangement(settings, metadata, schema, target)
        properties = try WriterProperties(metadata, schema)
        sizes = settings.groups.sizes
        names = try DataFileNames(metadata)
        try ColumnDefaults.checkPartitionColumns(metadata, schema)
        mapping = try FieldNaming.mapping(of: metadata)
        opener = DataFileOpener(
            metadata, storage: storage, mapping: mapping, limits: limits,
            isVerified: options.verification != .off)
    }

    /// Why a group's rows cannot be arranged as they should be; nil if they can.
    func problem(with group: FileGroup) -> String? { arrangement.problem(with: group) }

    /// Takes note of the equality deletes that apply to a plan's groups.
    mutating func prepare(
        for planned: PlannedRewrite, _ entries: [String: SourceEntry]
    ) throws(MaintenanceError) {
        let deletes = planned.equalityDeletes
        guard !deletes.isEmpty else { return }
        let finder = try EqualityDeleteFinder(
            deletes, of: metadata, files: planned.groups.flatMap(\.files), entries: entries,
            storage: storage, mapping: mapping, limits: limits)
        let audit = EqualityDeleteAudit(
            deletes, of: metadata, storage: storage, mapping: mapping, limits: limits)
        search = EqualityDeleteSearch(finder, options.verification == .off ? nil : audit)
    }

    /// Writes a group's new files.
    ///
    /// - Parameters:
    ///   - turn: By which its files are named.
    ///   - progress: Told how many of the group's files are done.
    func rewrite(
        _ group: FileGroup, _ turn: GroupTurn, _ entries: [String: SourceEntry],
        _ deletes: GroupDeletes, into outputs: inout OutputFiles<Storage>,
        progress: (Int) -> Void
    ) async throws(GroupFailure) -> RewrittenGroup {
        let opened = try await opener.open(
            group.files, entries, writing: settings(for: group))
        let keys = try arrangement.keys(for: group)
        let mappings = try mappings(of: opened)
        let positions = try await allDeleted(from: opened, deletes)
        try checkRowGroups(of: opened, positions, dividing: keys == nil)
        let inputs = zip(opened, mappings).map { file, mapping in
            RewriteProof<Storage>.Input(
                file: file.file, schema: file.schema, fieldIDs: file.fieldIDs,
                deleted: positions[file.live.path] ?? [], fills: mapping.fills,
                filledNulls: mapping.filledNulls)
        }
        let sources = zip(group.files, inputs).map { rewriteInput($1, entries[$0.path]) }
        let partition = self.partition(of: group, entries)
        let made: Made
        do throws(GroupFailure) {
            if let keys {
                made = try await arrange(
                    sources, by: keys, group, turn, partition, into: &outputs, progress)
            } else {
                made = try await join(sources, group, turn, partition, into: &outputs, progress)
            }
            try await checkDeleted(opened, deletes, positions)
            // Pages that were copied are decoded here for the first time.
            try await check(made.files, inputs, isReordered: keys != nil)
        } catch {
            // What was refused before anything was read is nobody's damage.
            if case .unsupported = error, keys != nil || !outputs.files.isEmpty {
                try await findDamage(in: opened)
            }
            throw error
        }
        progress(group.files.count)
        return result(group, deletes, inputs, made)
    }

    /// Looks which files have pages that cannot be read, and refuses these alone.
    private func findDamage(in files: [OpenedDataFile<Storage>]) async throws(GroupFailure) {
        var left = UnsupportedFiles()
        // A column that is dropped is not read otherwise, and is nobody's concern.
        let wanted = Set(target.columns.map(\.fieldID))
        for file in files {
            do throws(ParquetReadError<MaintenanceError>) {
                for group in file.file.rowGroups.indices {
                    for (column, leaf) in file.schema.columns.enumerated()
                    where wanted.contains(leaf.fieldID) {
                        var reader: ColumnReader<Source>
                        do throws(ParquetError) {
                            reader = try ColumnReader(file.file, rowGroup: group, column: column)
                        } catch { throw .format(error) }
                        while try await reader.next() != nil {
                            guard !Task.isCancelled else { throw .source(.cancelled) }
                        }
                    }
                }
            } catch {
                let failure = GroupFailure(error, in: file.live.path)
                guard let reason = failure.reason(ofFile: file.live.path) else { throw failure }
                left.add(file.live, because: reason)
            }
        }
        guard left.isEmpty else { throw .unsupportedFiles(left) }
    }

    /// The partition of new files that have the rows of all old ones.
    private func partition(
        of group: FileGroup, _ entries: [String: SourceEntry]
    ) -> FilePartition {
        let isMoved = group.files.contains { $0.partition != group.partition }
        let width = metadata.partitionSpec(group.partition.specID)?.fields.count ?? 0
        let first = group.files.first.flatMap { entries[$0.path]?.partition } ?? []
        return FilePartition(
            key: group.partition,
            values: isMoved ? [PartitionValue?](repeating: nil, count: width) : first)
    }

    private func settings(for group: FileGroup) -> ParquetWriteSettings {
        var settings = properties.settings
        settings.fileSizeBytes = group.inputSplitSize
        // A file of a wrong size would be planned again (P-50). What is written may be a little
        // larger than what it is made of.
        settings.smallestFileBytes = sizes.minimum.value
        settings.largestFileBytes = sizes.maximum.value - sizes.maximum.value / 20
        // A file cannot end within a row group.
        settings.rowGroupSizeBytes = min(settings.rowGroupSizeBytes, group.inputSplitSize)
        settings.fit(memory: limits.workBytes)
        settings.columnsAtOnce = limits.parallelism
        return settings
    }

    // MARK: Reading

    /// How a file's columns become those of the table.
    private struct Mapping {
        let fills: [Int32: ColumnFill]
        let filledNulls: Set<Int32>
    }

    private func mappings(
        of files: [OpenedDataFile<Storage>]
    ) throws(GroupFailure) -> [Mapping] {
        var mappings: [Mapping] = []
        var left = UnsupportedFiles()
        for file in files {
            do throws(Unsupported) { mappings.append(try mapping(of: file)) } catch {
                left.add(file.live, because: "\(file.live.path): \(error)")
            }
        }
        guard left.isEmpty else { throw .unsupportedFiles(left) }
        return mappings
    }

    private func mapping(of file: OpenedDataFile<Storage>) throws(Unsupported) -> Mapping {
        let known = Set(file.schema.nodes.compactMap(\.fieldID))
        var fills = try ColumnDefaults(schema, target).fills(
            missingIn: known, partition: file.entry.partition, of: file.spec)
        let lineage = try lineage(file.live, file.schema, file.file)
        fills.merge(lineage) { _, new in new }
        return Mapping(fills: fills, filledNulls: Set(lineage.keys.filter(known.contains)))
    }

    /// P-44: what rows inherit today is written down, as the new file would give other values.
    ///
    /// Before the first commit after an upgrade to version 3 rows have no ids. They get some with
    /// the new file, but not a later time of their last change.
    private func lineage(
        _ live: LiveFile, _ schema: ParquetSchema, _ file: File
    ) throws(Unsupported) -> [Int32: ColumnFill] {
        guard metadata.formatVersion == .v3 else { return [:] }
        var fills: [Int32: ColumnFill] = [
            FileSchema.lastUpdated: .constant(PlainValue.littleEndian(live.dataSequenceNumber))
        ]
        if let first = live.firstRowID {
            guard first >= 0, !first.addingReportingOverflow(live.recordCount).overflow else {
                throw Unsupported(
                    reason: "its first row id is \(first), from which its \(live.recordCount) rows "
                        + "cannot be counted on")
            }
            try Self.checkLineage(live, schema, file)
            fills[FileSchema.rowID] = .rowOrdinals(from: first)
        }
        return fills
    }

    // MARK: Deletes

    /// The positions of all deleted rows, those of equality deletes among them.
    private func allDeleted(
        from files: [OpenedDataFile<Storage>], _ deletes: GroupDeletes
    ) async throws(GroupFailure) -> [String: RowPositions] {
        guard !deletes.equality.isEmpty, let search else { return deletes.positions }
        return deletes.merged(with: try await search.positions(in: files))
    }

    /// Refuses files with deletes of rows that they do not have, and with row groups that are too
    /// large for what has to be done with them.
    ///
    /// - Parameter dividing: Whether row groups that are too large for a file have to be divided.
    private func checkRowGroups(
        of files: [OpenedDataFile<Storage>], _ positions: [String: RowPositions], dividing: Bool
    ) throws(GroupFailure) {
        var left = UnsupportedFiles()
        for file in files {
            let deleted = positions[file.live.path] ?? []
            if let reason = problem(with: file, deleted, dividing: dividing) {
                left.add(file.live, because: reason)
            }
        }
        guard left.isEmpty else { throw .unsupportedFiles(left) }
    }

    private func problem(
        with file: OpenedDataFile<Storage>, _ deleted: RowPositions, dividing: Bool
    ) -> String? {
        let path = file.live.path
        if let row = deleted.stray(inFileOf: file.file.rowCount) {
            return "row \(row) of \(path) is deleted, which has \(file.file.rowCount) rows"
        }
        var first: Int64 = 0
        for group in file.file.rowGroups {
            let count = deleted.count(in: first..<first + group.rowCount)
            first += group.rowCount
            if count > limits.expandedDeletes {
                return "\(count) rows of one row group of \(path) are deleted, and memory is "
                    + "allowed \(limits.expandedDeletes) (ICEPACK_NATIVE_MEMORY_BYTES)"
            }
            // The result would be planned again for ever (P-50).
            let share = 1 - Double(count) / Double(max(group.rowCount, 1))
            if dividing, group.rowCount > ParquetWriteSettings.dividedRowLimit,
                Double(group.storedSize) * share > Double(sizes.maximum.value)
            {
                return "\(path) has a row group of \(group.rowCount) rows and "
                    + "\(group.storedSize) bytes, which is not divided, and max-file-size-bytes is "
                    + "\(sizes.maximum.value)"
            }
        }
        return nil
    }

    /// Works out a second time what equality deletes delete.
    private func checkDeleted(
        _ files: [OpenedDataFile<Storage>], _ deletes: GroupDeletes,
        _ positions: [String: RowPositions]
    ) async throws(GroupFailure) {
        guard !deletes.equality.isEmpty,
            let found = try await search?.auditedPositions(in: files)
        else { return }
        guard deletes.merged(with: found) == positions else {
            throw RewriteProof<Storage>.failure(
                "the rows that equality deletes delete are not those that were left out")
        }
    }

    /// Refuses rows of which readers disagree when they changed last (P-44): some take the data
    /// sequence number of their file, and some the file sequence number.
    private static func checkLineage(
        _ live: LiveFile, _ schema: ParquetSchema, _ file: File
    ) throws(Unsupported) {
        guard live.fileSequenceNumber != live.dataSequenceNumber else { return }
        let column = schema.columns.firstIndex { $0.fieldID == FileSchema.lastUpdated }
        let isSaid = file.rowGroups.allSatisfy { group in
            column.flatMap { group.columns[$0].metadata?.statistics?.nullCount } == 0
        }
        guard isSaid else {
            throw Unsupported(
                reason: "its rows do not say when they changed last, and its data and file "
                    + "sequence numbers differ")
        }
    }

    private func rewriteInput(
        _ input: RewriteProof<Storage>.Input, _ entry: SourceEntry?
    ) -> ParquetRewriteInput<Source> {
        ParquetRewriteInput(
            input.file, deletedRows: input.deleted, fieldIDs: input.fieldIDs, fills: input.fills,
            filledNulls: input.filledNulls, nanCounts: entry?.nanCounts ?? [:])
    }

    // MARK: Writing

    /// New files, and how they were made.
    private struct Made {
        let files: [WrittenDataFile]
        let way: String
        var sortOrderID = SortOrder.unsortedID
        var spilledRuns = 0
    }

    /// Puts rows one after the other as they are.
    private func join(
        _ sources: [ParquetRewriteInput<Source>], _ group: FileGroup, _ turn: GroupTurn,
        _ partition: FilePartition, into outputs: inout OutputFiles<Storage>,
        _ progress: (Int) -> Void
    ) async throws(GroupFailure) -> Made {
        let work: ParquetRewriter<Source, DataFileSink>
        do throws(ParquetError) {
            work = try ParquetRewriter(sources, target: target, settings: settings(for: group))
        } catch {
            throw .unsupported("its files cannot be put together: \(error)")
        }
        try checkGain(group, work)
        var names = names.of(turn)
        var written: [WrittenDataFile] = []
        for index in 0..<work.outputCount {
            let location = names.next(in: group.partition)
            let file = try await outputs.write(to: location, kind: .dataFile, size: \.size) {
                (sink) async throws(GroupFailure) -> WrittenParquetFile in
                do throws(ParquetWriteError<MaintenanceError, MaintenanceError>) {
                    return try await work.write(index, to: sink).written
                } catch {
                    throw GroupFailure(error)
                }
            }
            written.append(WrittenDataFile(location: location, file: file, partition: partition))
            // The comparison is still to come.
            progress(group.files.count * written.count / (work.outputCount + 1))
        }
        // Rows that follow each other in one file still do; of several files nobody knows.
        let order = group.files.count == 1 ? group.files.first?.sortOrderID : nil
        return Made(
            files: written, way: work.decision.way.rawValue,
            sortOrderID: order.map { Int($0) } ?? SortOrder.unsortedID)
    }

    /// Leaves what would be planned again for ever (P-50): only bytes were known to the plan.
    private func checkGain(
        _ group: FileGroup, _ work: ParquetRewriter<Source, DataFileSink>
    ) throws(GroupFailure) {
        let sizeReasons: Set<FileGroup.Reason> = [.enoughFiles, .enoughContent, .tooMuchContent]
        // What is not Parquet yet becomes it.
        guard work.repeatsInputs, sizeReasons.isSuperset(of: group.reasons),
            group.files.allSatisfy({ $0.format == .parquet })
        else { return }
        throw .gainless
    }

    /// Puts rows in order, and into the partitions that they belong to.
    private func arrange(
        _ sources: [ParquetRewriteInput<Source>], by keys: RowKeys, _ group: FileGroup,
        _ turn: GroupTurn, _ partition: FilePartition, into outputs: inout OutputFiles<Storage>,
        _ progress: (Int) -> Void
    ) async throws(GroupFailure) -> Made {
        var settings = ArrangedFiles<Storage>.settings(
            settings(for: group), fileSize: group.inputSplitSize)
        settings.keyValues = .shared(
            by: sources.map { ($0.file.schema, $0.file.keyValues) }, for: target)
        let files = ArrangedFiles<Storage>(target: target, settings: settings, limits: limits)
        // Writing and the comparison are still to come.
        let (rows, partitions) = try await files.sorted(sources, by: keys) { progress($0 / 2) }
        let written = try await files.write(
            rows, in: partitions ?? [partition], names: names.of(turn),
            fileSize: group.inputSplitSize, into: &outputs)
        return Made(
            files: written, way: arrangement.isSorting ? "sort" : "divide",
            sortOrderID: arrangement.sortOrderID, spilledRuns: rows.spilledRuns)
    }

    /// Reads the new files back.
    private func check(
        _ written: [WrittenDataFile], _ inputs: [RewriteProof<Storage>.Input], isReordered: Bool
    ) async throws(GroupFailure) {
        var copies = [SpooledFile?](repeating: nil, count: written.count)
        if options.verification == .full {
            do throws(MaintenanceError) {
                copies = try await FileStage(storage, limits: limits).bring(
                    written.map { .init(location: $0.location, size: $0.file.size) })
            } catch { throw .stopped(error) }
        }
        var files: [File] = []
        for (output, copy) in zip(written, copies) {
            var source = Source(output.location, size: output.file.size, in: storage)
            if let copy { source = source.spooled(copy) }
            do throws(ParquetReadError<MaintenanceError>) {
                files.append(try await ParquetFile(opening: source))
            } catch {
                if case .source(let error) = error { throw .stopped(error) }
                throw RewriteProof<Storage>.failure("\(output.location) cannot be read back")
            }
        }
        let proof = RewriteProof(
            inputs: inputs, target: target, verification: options.verification,
            isReordered: isReordered, limits: limits)
        try await proof.check(files)
    }

    private func result(
        _ group: FileGroup, _ deletes: GroupDeletes, _ inputs: [RewriteProof<Storage>.Input],
        _ made: Made
    ) -> RewrittenGroup {
        let added = made.files.map { output in
            var file = DataFile(
                content: .data, filePath: output.location.rawValue, fileFormat: .parquet,
                recordCount: output.file.rowCount, fileSizeInBytes: output.file.size)
            file.splitOffsets = output.file.splitOffsets
            file.sortOrderID = Int32(truncatingIfNeeded: made.sortOrderID)
            return output.partition.entry(
                file, ColumnMetrics(of: output.file) { properties.mode(of: $0) })
        }
        return RewrittenGroup(
            group: group, specID: group.partition.specID, added: added,
            newPartitions: Set(made.files.map(\.partition.key)),
            deleteFiles: deletes.read, equalityDeletes: deletes.equality,
            deletedRows: inputs.reduce(0) { $0 + Int64($1.deleted.count) },
            way: made.way, spilledRuns: made.spilledRuns,
            losses: Array(Set(made.files.flatMap(\.file.losses))).sorted())
    }
}
