// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance
import ParquetFormat

/// How rows are put into new files: in which order, and in which partitions.
///
/// A row's key is its partition's number, its place in the order, and its place among the rows that
/// were read: rows of equal places stay in the order in which they came.
struct RowArrangement: Sendable {
    /// What files are marked with that are in the order.
    let sortOrderID: Int
    /// Whether rows are put in an order of their own.
    let isSorting: Bool
    private let outputSpec: PartitionSpec?
    private let fields: [SortKeyField]
    private let curve: ZOrderCurve?
    private let partitions: RowPartitions?
    /// Why rows cannot be divided among partitions.
    private let obstacle: Unsupported?

    /// - Throws: ``Unsupported`` for an order that rows cannot be put in here.
    init(
        _ settings: RewriteDataFilesSettings, _ metadata: TableMetadata, _ schema: Schema,
        _ target: ParquetSchema
    ) throws(Unsupported) {
        var fields: [SortKeyField] = []
        var curve: ZOrderCurve?
        switch settings.order {
        case nil: break
        case .fields(let order):
            for field in order { fields.append(try SortKeyField(field, schema, target)) }
        case .zorder(let ids):
            curve = try ZOrderCurve(
                ids, schema, target, varLength: Int(settings.varLengthContribution.value),
                limit: Int(settings.maxOutputSize.value))
        }
        self.fields = fields
        self.curve = curve
        isSorting = settings.order != nil
        sortOrderID = settings.order?.sortOrderID(in: metadata) ?? SortOrder.unsortedID
        let specID = settings.outputSpecID.value
        outputSpec = metadata.partitionSpec(specID)
        var partitions: RowPartitions?
        var obstacle: Unsupported?
        do throws(Unsupported) {
            partitions = try RowPartitions(metadata, specID: specID, schema, target)
        } catch { obstacle = error }
        (self.partitions, self.obstacle) = (partitions, obstacle)
    }

    /// Whether a group's rows have to be divided among partitions (P-46): rows of another spec may
    /// belong to any of them.
    func divides(_ group: FileGroup) -> Bool {
        guard let outputSpec, !outputSpec.isUnpartitioned else { return false }
        return group.files.contains { $0.partition.specID != outputSpec.id }
    }

    /// Why a group cannot be rewritten so; nil if it can.
    func problem(with group: FileGroup) -> String? { divides(group) ? obstacle?.reason : nil }

    /// What makes keys for a group's rows; nil if rows stay where they are.
    func keys(for group: FileGroup) throws(GroupFailure) -> RowKeys? {
        guard divides(group) else {
            return isSorting ? RowKeys(fields, curve, nil) : nil
        }
        if let obstacle { throw GroupFailure(obstacle) }
        return RowKeys(fields, curve, partitions)
    }
}

/// Makes the keys by which the rows of a group are sorted.
struct RowKeys: Sendable {
    private let fields: [SortKeyField]
    private let curve: ZOrderCurve?
    /// Nil where all rows are of one partition.
    private(set) var partitions: RowPartitions?

    init(_ fields: [SortKeyField], _ curve: ZOrderCurve?, _ partitions: RowPartitions?) {
        self.fields = fields
        self.curve = curve
        self.partitions = partitions
    }

    /// The key of a row.
    ///
    /// - Parameter ordinal: The row's place among those that were read.
    mutating func make(
        _ row: PackedRow, ordinal: UInt64, into key: inout [UInt8]
    ) throws(Unsupported) {
        key.removeAll(keepingCapacity: true)
        let partition = try partitions?.number(of: row) ?? 0
        withUnsafeBytes(of: UInt32(partition).bigEndian) { key.append(contentsOf: $0) }
        for field in fields { field.append(row, to: &key) }
        curve?.append(row, to: &key)
        withUnsafeBytes(of: ordinal.bigEndian) { key.append(contentsOf: $0) }
    }

    /// The number of the partition that a key begins with.
    static func partition(of key: UnsafeRawBufferPointer) -> Int {
        Int(UInt32(bigEndian: key.loadUnaligned(as: UInt32.self)))
    }
}
