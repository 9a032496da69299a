// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import ParquetFormat

/// Finds the partition of each row by a spec, and numbers the partitions as they come.
///
/// Iceberg spec, Partitioning.
struct RowPartitions: Sendable {
    /// The partitions so far, by their numbers.
    private(set) var partitions: [FilePartition] = []
    private let specID: Int
    private let parts: [Part]
    private var numbers: [PartitionTuple: Int] = [:]
    /// What the last row was divided by, which the next one often shares.
    private var last: (bytes: [UInt8], number: Int)?

    /// The most partitions that one group is divided among.
    static let limit = 100_000

    private struct Part: Sendable {
        let transform: Transform
        /// Nil for a field that is always null.
        let column: DecidingColumn?
    }

    /// - Throws: ``Unsupported`` for a spec by which rows cannot be divided here.
    init(
        _ metadata: TableMetadata, specID: Int, _ schema: Schema, _ target: ParquetSchema
    ) throws(Unsupported) {
        guard let spec = metadata.partitionSpec(specID) else {
            throw Unsupported(reason: "the table has no partition spec \(specID)")
        }
        var parts: [Part] = []
        for field in spec.fields {
            guard field.transform != .void else {
                parts.append(Part(transform: .void, column: nil))
                continue
            }
            guard let id = field.sourceIDs.first, field.sourceIDs.count == 1 else {
                throw Unsupported(
                    reason: "the partition field \(field.name) is made of several columns")
            }
            let column = try DecidingColumn(id, schema, target)
            guard field.transform.isDefined(for: column.type) else {
                throw Unsupported(
                    reason: "the partition field \(field.name) has the transform "
                        + "\(field.transform), which is not known for the type \(column.type)")
            }
            parts.append(Part(transform: field.transform, column: column))
        }
        self.specID = specID
        self.parts = parts
    }

    /// The number of a row's partition.
    mutating func number(of row: PackedRow) throws(Unsupported) -> Int {
        if let last, isSame(row, last.bytes) { return last.number }
        var bytes: [UInt8] = []
        var values: [PartitionValue?] = []
        for part in parts {
            guard let column = part.column else {
                values.append(nil)
                continue
            }
            bytes += column.entry(of: row)
            values.append(try value(part.transform, column, row))
        }
        let number = try number(of: values)
        last = (bytes, number)
        return number
    }

    private func isSame(_ row: PackedRow, _ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        for case let column? in parts.map(\.column) {
            let entry = column.entry(of: row)
            guard rest.starts(with: entry) else { return false }
            rest = rest.dropFirst(entry.count)
        }
        return rest.isEmpty
    }

    private func value(
        _ transform: Transform, _ column: DecidingColumn, _ row: PackedRow
    ) throws(Unsupported) -> PartitionValue? {
        if transform == .identity { return try column.identityValue(of: row) }
        guard let value = column.orderedValue(of: row),
            let made = transform.value(of: value, column.type)
        else { return nil }
        guard let value = PartitionValue(made, as: transform.resultType(of: column.type)) else {
            throw Unsupported(
                reason: "\(column.column.path.joined(separator: ".")) has a value of which "
                    + "\(transform) makes no partition")
        }
        return value
    }

    private mutating func number(of values: [PartitionValue?]) throws(Unsupported) -> Int {
        let tuple = PartitionTuple(values.map { $0.map { PartitionKeyValue($0) } })
        if let known = numbers[tuple] { return known }
        guard partitions.count < Self.limit else {
            throw Unsupported(
                reason: "its rows belong to more than \(Self.limit) partitions; choose fewer files "
                    + "with where, or lower max-file-group-size-bytes")
        }
        numbers[tuple] = partitions.count
        partitions.append(
            FilePartition(key: PartitionKey(specID: specID, tuple: tuple), values: values))
        return partitions.count - 1
    }
}
