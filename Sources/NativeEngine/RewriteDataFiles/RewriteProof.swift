// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Maintenance
import ObjectStorage
import ParquetFormat
import RowSets

/// Compares what was written with what it was written from, before anybody may commit it.
///
/// What was written is read back from storage. Rows must be as many as those that were read less
/// the deleted ones, and each column must have the same values in the same rows.
struct RewriteProof<Storage: ObjectStorage>: Sendable {
    typealias File = ParquetFile<DataFileSource<Storage>>

    /// A file that was rewritten.
    struct Input: Sendable {
        let file: File
        /// The file's schema with all field ids.
        let schema: ParquetSchema
        /// The ids that the file lacks, by the paths of names.
        let fieldIDs: [[String]: Int32]
        let deleted: RowPositions
        let fills: [Int32: ColumnFill]
        let filledNulls: Set<Int32>
    }

    let inputs: [Input]
    let target: ParquetSchema
    let verification: RewriteDataFilesOptions.Verification
    /// Whether rows have changed places.
    let isReordered: Bool
    let limits: RewriteLimits

    /// Of how many columns one is looked at in a sample.
    private static var sampleStep: Int { 4 }

    /// Checks new files, in their order.
    func check(_ outputs: [File]) async throws(GroupFailure) {
        let expected = inputs.reduce(Int64(0)) {
            $0 + $1.file.rowCount - Int64($1.deleted.count)
        }
        let found = outputs.reduce(Int64(0)) { $0 + $1.rowCount }
        guard expected == found else {
            throw Self.failure("\(found) rows were written, and \(expected) should have been")
        }
        for output in outputs where !Self.isSame(output.schema, target) {
            throw Self.failure("a new file has other columns than the table")
        }
        let columns: [Int]
        switch verification {
        case .full: columns = Array(target.columns.indices)
        case .sample:
            columns = Array(stride(from: 0, to: target.columns.count, by: Self.sampleStep))
        case .off: columns = []
        }
        guard !isReordered else { return try await checkUnordered(columns, outputs) }
        try await BoundedTasks.forEach(
            columns, width: limits.parallelism, cancelled: GroupFailure.stopped(.cancelled),
            finished: { (_: Void) in },
            { (column) async throws(GroupFailure) in try await check(column, outputs) })
    }

    /// Whether a file that was read back has the columns that were to be written.
    private static func isSame(_ found: ParquetSchema, _ wanted: ParquetSchema) -> Bool {
        found.columns.count == wanted.columns.count
            && zip(found.columns, wanted.columns).allSatisfy {
                $0.path == $1.path && $0.fieldID == $1.fieldID && $0.type == $1.type
                    && $0.typeLength == $1.typeLength && $0.logicalType == $1.logicalType
                    && $0.maximumDefinitionLevel == $1.maximumDefinitionLevel
                    && $0.maximumRepetitionLevel == $1.maximumRepetitionLevel
            }
    }

    private func check(_ column: Int, _ outputs: [File]) async throws(GroupFailure) {
        let leaf = target.columns[column]
        guard try await !hasSamePages(leaf, outputs) else { return }
        var read = RowDigester<Storage>(leaf)
        var written = RowDigester<Storage>(leaf)
        do throws(ParquetReadError<MaintenanceError>) {
            for input in inputs {
                try await read.add(input.file, expectation(leaf, input), deleted: input.deleted)
            }
        } catch { throw GroupFailure(error, in: "a data file") }
        do throws(ParquetReadError<MaintenanceError>) {
            for output in outputs {
                try await written.add(output, expectation(leaf, output), deleted: [])
            }
        } catch { throw Self.unreadable(error) }
        guard read.digest == written.digest else { throw Self.difference(leaf) }
    }

    /// The same of rows that are in another order: what each column has, and what each row has.
    private func checkUnordered(
        _ columns: [Int], _ outputs: [File]
    ) async throws(GroupFailure) {
        let leaves = columns.map { target.columns[$0] }
        var read = UnorderedDigests<Storage>(leaves, rowsAtOnce: limits.proofRows)
        var written = read
        do throws(ParquetReadError<MaintenanceError>) {
            for input in inputs {
                try await read.add(
                    input.file, leaves.map { expectation($0, input) }, deleted: input.deleted)
            }
        } catch { throw GroupFailure(error, in: "a data file") }
        do throws(ParquetReadError<MaintenanceError>) {
            for output in outputs {
                try await written.add(
                    output, leaves.map { expectation($0, output) }, deleted: [])
            }
        } catch { throw Self.unreadable(error) }
        for (index, leaf) in leaves.enumerated()
        where read.columns[index] != written.columns[index] {
            throw Self.difference(leaf)
        }
        guard read.rows == written.rows else {
            throw Self.failure(
                "the values of some rows in the new files are not together in the old ones")
        }
    }

    private func expectation(_ leaf: ParquetColumn, _ input: Input) -> ColumnExpectation {
        let id = leaf.fieldID ?? 0
        return ColumnExpectation(
            leaf, of: target, in: input.schema, fill: input.fills[id],
            fillsNulls: input.filledNulls.contains(id))
    }

    private func expectation(_ leaf: ParquetColumn, _ output: File) -> ColumnExpectation {
        ColumnExpectation(leaf, of: target, in: output.schema, fill: nil, fillsNulls: false)
    }

    static func unreadable(_ error: ParquetReadError<MaintenanceError>) -> GroupFailure {
        if case .source(let error) = error { return .stopped(error) }
        return failure("a new file cannot be read back")
    }

    private static func difference(_ leaf: ParquetColumn) -> GroupFailure {
        failure(
            "the values of \(leaf.path.joined(separator: ".")) in the new files are not those of "
                + "the old ones")
    }

    static func failure(_ reason: String) -> GroupFailure { .verificationFailed(reason) }
}
