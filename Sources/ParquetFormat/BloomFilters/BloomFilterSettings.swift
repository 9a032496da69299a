// SPDX-License-Identifier: Apache-2.0

/// Which columns of a new file have bloom filters, and how large they may be.
///
/// Columns go by their path with dots. Names of columns that are not there mean nothing, and so do
/// those of booleans and half numbers, for which there are no filters: what a table says of its
/// columns outlives them.
public struct ParquetBloomFilterSettings: Hashable, Sendable {
    /// Whether a column has filters.
    public enum Choice: Hashable, Sendable {
        /// Every row group has one.
        case written
        /// None has one, even if the sources have.
        case leftOut
    }

    /// What is wanted for columns (`write.parquet.bloom-filter-enabled.column.*`).
    ///
    /// Where nothing is said, a row group has a filter if those that it is made of have one. Those
    /// whose pages are all positions in a dictionary do not count: parquet-mr makes none for them.
    public var columns: [String: Choice] = [:]
    /// How often a filter may fail to exclude a value that is not there, for columns
    /// (`write.parquet.bloom-filter-fpp.column.*`).
    public var falsePositiveRates: [String: Double] = [:]
    /// The most bytes of a filter (`write.parquet.bloom-filter-max-bytes`).
    ///
    /// A filter of more values than fit errs more often. Each column that has filters takes so
    /// much memory while it is written.
    public var maximumBytes = 1 << 20

    /// How often a filter may err where nothing is said.
    public static let usualFalsePositiveRate = 0.01

    /// The usual settings.
    public init() {}

    /// Whether they can be followed.
    func check() throws(ParquetError) {
        guard maximumBytes > 0, maximumBytes <= ParquetLimits().bloomFilterBytes else {
            throw .incompatible(
                reason: "bloom filters may have from 1 to \(ParquetLimits().bloomFilterBytes) "
                    + "bytes, not \(maximumBytes)")
        }
        for (name, rate) in falsePositiveRates {
            guard rate > 0, rate < 1 else {
                throw .incompatible(
                    reason: "the share of false positives of \(name)'s bloom filters must lie "
                        + "between 0 and 1: \(rate) does not")
            }
        }
    }

    /// What makes the filter of a chunk if one is wanted.
    ///
    /// - Parameter sources: The chunks that the new one is made of, without those that have no such
    ///   column.
    func builder(_ column: ParquetColumn, from sources: [ColumnMetadata] = [])
        -> BloomFilterBuilder?
    {
        guard BloomFilterBuilder.fits(column) else { return nil }
        switch columns[column.name] {
        case .leftOut: return nil
        case .written: break
        case nil:
            let having = sources.filter { $0.bloomFilterOffset != nil }
            let lacking = sources.filter { $0.bloomFilterOffset == nil }
            guard !having.isEmpty, lacking.allSatisfy(\.needsNoBloomFilter) else { return nil }
        }
        return BloomFilterBuilder(
            column, rate: falsePositiveRates[column.name] ?? Self.usualFalsePositiveRate,
            byteLimit: maximumBytes)
    }

    /// Whether a row group lacks a filter that is wanted for one of its columns.
    func areMissing(_ schema: ParquetSchema, in group: RowGroup) -> Bool {
        zip(schema.columns, group.columns).contains { column, chunk in
            guard columns[column.name] == .written, BloomFilterBuilder.fits(column),
                let metadata = chunk.metadata
            else { return false }
            return metadata.bloomFilterOffset == nil && !metadata.needsNoBloomFilter
        }
    }
}

extension ColumnMetadata {
    /// Whether all values are in the dictionary, which says of each whether it is there, or there
    /// are none.
    var needsNoBloomFilter: Bool {
        if valueCount == 0 { return true }
        guard let pages = encodingStatistics else { return false }
        let data = pages.filter { $0.pageType != PageType.dictionary.rawValue }
        return !data.isEmpty
            && data.allSatisfy {
                ParquetEncoding(rawValue: $0.encoding)?.usesDictionary == true
            }
    }
}

extension ParquetFile {
    /// A chunk's bloom filter, if it has one of the kind and a size that are written here.
    ///
    /// - Parameter byteLimit: The largest that is read.
    func storedBloomFilter(
        rowGroup: Int, column: Int, atMost byteLimit: Int = .max
    ) async throws(Failure) -> SplitBlockFilter? {
        guard let (header, range) = try await bloomFilter(rowGroup: rowGroup, column: column),
            header.algorithm == 1, header.hash == 1, header.compression == 1,
            range.count <= byteLimit
        else { return nil }
        let bits = try await read(range, ParquetPlace(.bloomFilter, range.lowerBound))
        return SplitBlockFilter(stored: bits)
    }
}
