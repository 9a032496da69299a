// SPDX-License-Identifier: Apache-2.0

/// How a file is written, by default as Iceberg's table properties have it.
public struct ParquetWriteSettings: Hashable, Sendable {
    /// How large a row group may become, as it is stored (`write.parquet.row-group-size-bytes`).
    public var rowGroupSizeBytes: Int64 = 128 << 20
    /// How many rows a row group may have: some readers take a whole one into memory.
    public var rowGroupRowLimit: Int64 = 1 << 20
    /// How large a file may become, by an estimate; nil for one file whatever its size.
    public var fileSizeBytes: Int64?
    /// A file that would end below this gets the next row group as well, as long as both are not
    /// larger than ``largestFileBytes``.
    public var smallestFileBytes: Int64 = 0
    /// The most that a file may have of a single row group: larger ones are divided among several.
    ///
    /// Nil divides none; row groups of more than ``dividedRowLimit`` rows never are.
    public var largestFileBytes: Int64?
    /// How large a page that is put together may become (`write.parquet.page-size-bytes`).
    public var pageSizeBytes = 1 << 20
    /// How many rows a page that is put together may have (`write.parquet.page-row-limit`).
    public var pageRowLimit = 20_000
    /// How large a dictionary may become (`write.parquet.dict-size-bytes`).
    public var dictionarySizeBytes = 2 << 20
    /// How pages are compressed (`write.parquet.compression-codec`); nil keeps each column's own.
    public var codec: ParquetCodec?
    /// Encodings of columns, by their path with dots, instead of dictionaries and plain values.
    public var encodings: [String: ParquetEncoding] = [:]
    /// Which columns have bloom filters.
    public var bloomFilters = ParquetBloomFilterSettings()
    /// How hard Zstandard tries at most (`write.parquet.compression-level`).
    ///
    /// Where pages become no larger by the first level, they are written with that.
    public var zstandardLevel: Int32 = 3
    /// Up to how many bytes of small files are taken into memory at once, which spares requests.
    public var loadedBytes: Int64 = 96 << 20
    /// How many columns of a row group are put together at once.
    public var columnsAtOnce = 1
    /// Up to how many bytes of columns may wait for those before them.
    public var waitingBytes: Int64 = 32 << 20
    /// What the new file notes about itself, beside what all files that it is made of agree on.
    public var keyValues: [KeyValue] = []
    /// The name and version that the new file gives for its writer.
    public var createdBy = "icepack version 0.1.0"

    /// The most rows of a row group that is divided: those that go elsewhere are left out by their
    /// positions, which take eight bytes each.
    public static let dividedRowLimit: Int64 = 1 << 23
    /// Row groups are not put together whose rows that are left out are more than these: their
    /// positions take eight bytes each as well.
    public static let leftOutRowLimit: Int64 = 1 << 22
    /// The most files among which a row group is divided.
    public static let dividedFileLimit: Int64 = 4096

    /// The usual settings.
    public init() {}

    /// Lowers what takes memory so that writing one file takes about so many bytes at most.
    ///
    /// Pages of the sources may come on top, as far as ``ParquetLimits/pageBytes`` allows them to.
    public mutating func fit(memory bytes: Int64) {
        loadedBytes = min(loadedBytes, bytes * 3 / 8)
        waitingBytes = min(waitingBytes, bytes / 8)
        rowGroupSizeBytes = min(rowGroupSizeBytes, max(1 << 20, bytes / 2))
        dictionarySizeBytes = Int(min(Int64(dictionarySizeBytes), max(1 << 16, bytes / 32)))
        pageSizeBytes = Int(min(Int64(pageSizeBytes), max(1 << 16, bytes / 64)))
        bloomFilters.maximumBytes = Int(
            min(Int64(bloomFilters.maximumBytes), max(1 << 16, bytes / 256)))
    }
}

/// What a new file holds.
public struct WrittenParquetFile: Hashable, Sendable {
    /// The columns and how they nest.
    public let schema: ParquetSchema
    /// Its length in bytes.
    public let size: Int64
    /// How many rows it has.
    public let rowCount: Int64
    /// Its row groups, with sizes and statistics of every chunk.
    public let rowGroups: [RowGroup]
    /// Why parts of what the sources carried are not in it, in words; empty when nothing is lost.
    public let losses: [String]

    /// Where its row groups begin: Iceberg's split offsets.
    public var splitOffsets: [Int64] { rowGroups.compactMap(\.fileOffset) }
}
