// SPDX-License-Identifier: Apache-2.0

import AvroFormat
public import IcebergSpec

/// A filter on rows made ready for every partition spec of a table.
public struct ScanFilter: Sendable {
    private let specs: [Int: SpecFilter]
    /// The columns whose metrics are wanted, by field id.
    let columns: [Int32: PrimitiveType]

    /// Projects a filter through the specs of a table.
    public init(_ filter: RowFilter, _ metadata: TableMetadata) {
        columns = filter.columns
        specs = Dictionary(
            metadata.partitionSpecs.map { ($0.id, SpecFilter(filter, $0)) },
            uniquingKeysWith: { first, _ in first })
    }

    /// Whether a manifest has to be read: it may list files that may hold a row that passes, or
    /// does not say how many it has.
    func mayPass(_ manifest: ManifestFile) -> Bool {
        guard manifest.liveFilesCount != nil, let spec = specs[Int(manifest.partitionSpecID)]
        else { return true }
        return spec.mayPass(manifest.partitions)
    }

    /// Whether a file of a partition may be about a row that passes.
    public func mayPass(_ partition: PartitionKey) -> Bool { mayPass(partition, [:]) }

    /// Whether a data file of which so much is known may hold a row that passes.
    func mayPass(_ partition: PartitionKey, _ columns: [Int: ValueEvidence]) -> Bool {
        guard let spec = specs[partition.specID] else { return true }
        let values = partition.tuple.values
        guard values.count == spec.types.count else { return true }
        return spec.mayPass(
            partition: zip(values, spec.types).map { ValueEvidence($0, $1) },
            columns: { columns[$0] })
    }
}

extension ManifestFile {
    /// How many live entries it has by its counts; nil where one is unknown.
    var liveFilesCount: Int64? {
        guard let addedFilesCount, let existingFilesCount else { return nil }
        return Int64(addedFilesCount) + Int64(existingFilesCount)
    }
}

extension ValueEvidence {
    /// What a value of a partition tuple tells; nothing without a type.
    fileprivate init(_ value: PartitionKeyValue?, _ type: PrimitiveType?) {
        self.init()
        guard let type else { return }
        switch value {
        case nil: self = .onlyNull
        case .boolean(let truth): self.init(only: .integer(truth ? 1 : 0))
        case .integer(let number): self.init(only: .integer(Int128(number)))
        case .floatingPoint(let bits):
            let number = Double(bitPattern: bits)
            if number.isNaN { self = .onlyNaN } else { self.init(only: .number(number)) }
        case .bytes(let bytes):
            guard case .decimal = type else {
                self.init(only: .bytes(bytes))
                return
            }
            if let number = OrderedValue.unscaled(bytes) { self.init(only: .integer(number)) }
        }
    }
}

/// Where the rows of a manifest keep what a filter wants to know of columns.
struct EvidenceSlots: Sendable {
    private let columns: [Int32: PrimitiveType]
    private let valueCounts: ColumnFactList<Int64>
    private let nullValueCounts: ColumnFactList<Int64>
    private let nanValueCounts: ColumnFactList<Int64>
    private let lowerBounds: ColumnFactList<[UInt8]>
    private let upperBounds: ColumnFactList<[UInt8]>

    init(
        _ columns: [Int32: PrimitiveType], in file: AvroRecord, of fields: inout AvroProjection
    ) {
        self.columns = columns
        valueCounts = ColumnFactList(.valueCounts, in: file, of: &fields)
        nullValueCounts = ColumnFactList(.nullValueCounts, in: file, of: &fields)
        nanValueCounts = ColumnFactList(.nanValueCounts, in: file, of: &fields)
        lowerBounds = ColumnFactList(.lowerBounds, in: file, of: &fields)
        upperBounds = ColumnFactList(.upperBounds, in: file, of: &fields)
    }

    /// What is known of the columns of a file of so many rows.
    func evidence(
        _ row: borrowing AvroRow, recordCount: Int64
    ) throws(AvroError) -> [Int: ValueEvidence] {
        let values = try wanted(valueCounts.facts(row) { $0.value($1) })
        let nulls = try wanted(nullValueCounts.facts(row) { $0.value($1) })
        let nans = try wanted(nanValueCounts.facts(row) { $0.value($1) })
        let lower = try wanted(lowerBounds.facts(row) { $0.value($1) })
        let upper = try wanted(upperBounds.facts(row) { $0.value($1) })
        var evidence: [Int: ValueEvidence] = [:]
        for (id, type) in columns {
            var column = ValueEvidence()
            column.mayBeNaN = type.hasNaN
            // Counts that do not fit the file say nothing.
            if values[id] == recordCount {
                column.count(values: recordCount, nulls: nulls[id], nans: nans[id])
            }
            column.bound(
                lower: lower[id].flatMap { OrderedValue(bound: $0, of: type) },
                upper: upper[id].flatMap { OrderedValue(bound: $0, of: type) })
            evidence[Int(id)] = column
        }
        return evidence
    }

    private func wanted<Value>(_ facts: [ColumnFact<Value>]?) -> [Int32: Value] {
        var wanted: [Int32: Value] = [:]
        for fact in facts ?? [] where columns[fact.id] != nil { wanted[fact.id] = fact.value }
        return wanted
    }
}

extension ValueEvidence {
    /// Takes the counts of a file's column in.
    fileprivate mutating func count(values: Int64, nulls: Int64?, nans: Int64?) {
        guard let nulls, (0...values).contains(nulls) else { return }
        mayBeNull = nulls > 0
        let rest = values - nulls
        guard rest > 0 else {
            self = .onlyNull
            return
        }
        guard mayBeNaN, let nans, (0...rest).contains(nans) else { return }
        mayBeNaN = nans > 0
        mayBeValue = nans < rest
    }
}
