// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import ParquetFormat
import RowSets

/// Finds the rows that equality deletes delete, and writes position deletes or deletion vectors of
/// them.
///
/// Data files are taken some at a time:
/// 1. from format version 3 on, read what position deletes delete from them already (P-43);
/// 2. find what the equality deletes delete, by the key columns alone (P-49);
/// 3. write the positions: from version 3 on a vector with all deletes of its data file, before
///    that files with the rows of equality deletes alone, which stand beside what there is;
/// 4. read the new files back, work out a second time what is deleted, and compare.
struct EqualityConverter<Storage: ObjectStorage>: Sendable {
    let formatVersion: FormatVersion
    /// The snapshot's delete files.
    let index: DeleteFileIndex
    /// What the manifests say of the data files, by path.
    let entries: [String: SourceEntry]
    let opener: DataFileOpener<Storage>
    /// How data files in Avro are written in Parquet, to be searched.
    let settings: ParquetWriteSettings
    let search: EqualityDeleteSearch<Storage>
    let loader: GroupDeleteLoader<Storage>
    let writer: DeleteGroupWriter<Storage>
    /// Nil where nothing is compared.
    let proof: DeleteProof<Storage>?
    /// The most rows of data files that are taken at a time: all of them may be deleted.
    let mostRows: Int

    /// The most data files that are open at once.
    private static var mostFiles: Int { 1000 }

    /// Writes what stands for the equality deletes of a conversion.
    ///
    /// - Parameters:
    ///   - turn: By which its files are named.
    ///   - progress: Told how many of the delete files are done.
    func convert(
        _ conversion: EqualityConversion, _ turn: GroupTurn,
        into outputs: inout OutputFiles<Storage>, progress: (Int) -> Void
    ) async throws(GroupFailure) -> ConvertedDeletes {
        let paths = Set(conversion.targets.map(\.path))
        guard paths.count == conversion.targets.count else {
            throw .unsupported("a data file is listed twice")
        }
        var names = writer.names(of: turn)
        var converted = ConvertedDeletes(conversion, concerned: paths)
        let batches = batches(of: conversion.targets)
        for (index, files) in batches.enumerated() {
            try await convert(files, of: conversion, &names, into: &outputs, &converted)
            progress(conversion.group.files.count * (index + 1) / (batches.count + 1))
        }
        return converted
    }

    /// Data files of one partition each, in the order in which they come.
    private func batches(of targets: [LiveFile]) -> [[LiveFile]] {
        var batches: [[LiveFile]] = []
        var batch: [LiveFile] = []
        var room = Int64(mostRows)
        for file in targets {
            let isFull =
                batch.count == Self.mostFiles || file.recordCount > room
                || batch.last.map { $0.partition != file.partition } ?? false
            if isFull, !batch.isEmpty {
                batches.append(batch)
                batch = []
                room = Int64(mostRows)
            }
            batch.append(file)
            room -= min(room, file.recordCount)
        }
        return batch.isEmpty ? batches : batches + [batch]
    }

    private func convert(
        _ files: [LiveFile], of conversion: EqualityConversion, _ names: inout DataFileNames,
        into outputs: inout OutputFiles<Storage>, _ converted: inout ConvertedDeletes
    ) async throws(GroupFailure) {
        guard let first = files.first else { return }
        let existing = formatVersion >= .v3 ? try await loader.load(files) : GroupDeletes()
        let opened = try await opener.open(files, entries, writing: settings)
        let all = existing.merged(with: try await search.positions(in: opened))
        var deletes = GroupPositions(live: files)
        var rowCount: Int64 = 0
        for file in files {
            let positions = all[file.path] ?? []
            let more = positions.count - (existing.positions[file.path]?.count ?? 0)
            guard more > 0 else { continue }
            rowCount += Int64(more)
            deletes.positions[file.path] = positions
        }
        try deletes.check()
        let replaced = try replacedDeletes(of: files.filter { deletes.positions[$0.path] != nil })
        let place = DeletePlace(
            partition: first.partition, values: entries[first.path]?.partition ?? [],
            fileSize: conversion.group.inputSplitSize,
            age: (conversion.group.files + replaced.values.flatMap(\.self))
                .map(\.dataSequenceNumber).max())
        let added = try await writer.write(deletes, to: place, &names, into: &outputs)
        try await check(added, deletes, place, opened, existing, all)
        converted.add(added, of: place.partition, replacing: replaced, rows: rowCount)
    }

    /// The position deletes and vectors that new vectors stand for, by the data file's path.
    private func replacedDeletes(
        of files: [LiveFile]
    ) throws(GroupFailure) -> [String: [LiveFile]] {
        guard formatVersion >= .v3 else { return [:] }
        var replaced: [String: [LiveFile]] = [:]
        for file in files {
            do throws(ScanError) {
                replaced[file.path] = try index.deleteFiles(for: file)
                    .filter { $0.content == .positionDeletes }
            } catch { throw .unsupported(error.description) }
        }
        return replaced
    }

    /// Compares what is deleted now with what was deleted before.
    private func check(
        _ added: [CompleteEntry], _ deletes: GroupPositions, _ place: DeletePlace,
        _ opened: [OpenedDataFile<Storage>], _ existing: GroupDeletes, _ all: [String: RowPositions]
    ) async throws(GroupFailure) {
        guard let proof else { return }
        try await proof.check(added, in: place.partition, deletes)
        guard let found = try await search.auditedPositions(in: opened) else { return }
        guard existing.merged(with: found) == all else {
            throw GroupFailure.verificationFailed(
                "the rows that equality deletes delete are not those of the new position deletes")
        }
    }
}
