// SPDX-License-Identifier: Apache-2.0

/// What a manifest says of the columns of a file; nil where its writer said nothing.
///
/// Iceberg spec, Data File Fields. The order is the writer's.
public struct ColumnMetrics: Hashable, Sendable {
    /// Bytes on disk.
    public var columnSizes: [ColumnFact<Int64>]?
    /// Values, nulls among them.
    public var valueCounts: [ColumnFact<Int64>]?
    /// Nulls.
    public var nullValueCounts: [ColumnFact<Int64>]?
    /// NaNs.
    public var nanValueCounts: [ColumnFact<Int64>]?
    /// Lower bounds, in single-value serialisation.
    public var lowerBounds: [ColumnFact<[UInt8]>]?
    /// Upper bounds, in single-value serialisation.
    public var upperBounds: [ColumnFact<[UInt8]>]?

    /// Nothing is known.
    public init() {}
}

/// One fact about one column.
public struct ColumnFact<Value: Hashable & Sendable>: Hashable, Sendable {
    /// The column's field id.
    public let id: Int32
    /// The fact.
    public let value: Value

    /// Pairs a column with a fact.
    public init(id: Int32, value: Value) {
        self.id = id
        self.value = value
    }
}

/// An entry of a manifest with everything that the manifest says of its file.
public struct CompleteEntry: Hashable, Sendable {
    /// What became of the file, and the file.
    public var entry: ManifestEntry
    /// The file's partition: a value or a null for each field of the manifest's spec, in order.
    public var partition: [PartitionValue?]
    /// What is known of its columns.
    public var metrics: ColumnMetrics

    /// Takes every field.
    public init(
        entry: ManifestEntry, partition: [PartitionValue?] = [],
        metrics: ColumnMetrics = ColumnMetrics()
    ) {
        self.entry = entry
        self.partition = partition
        self.metrics = metrics
    }
}
