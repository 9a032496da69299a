// SPDX-License-Identifier: Apache-2.0

/// The most that a reader holds at once, so that a damaged or hostile file cannot ask for more.
public struct ParquetLimits: Hashable, Sendable {
    /// The longest footer in bytes.
    public var footerBytes = 64 << 20
    /// The most elements of a schema, groups included.
    public var schemaElements = 50_000
    /// The most column chunks of a file, all row groups taken together.
    public var columnChunks = 500_000
    /// The largest page in bytes, both as it is stored and decompressed.
    public var pageBytes = 64 << 20
    /// The longest column index or offset index in bytes.
    public var pageIndexBytes = 32 << 20
    /// The largest bloom filter in bytes; Parquet's own writers stop at 128 MiB.
    public var bloomFilterBytes = 128 << 20
    /// The most values of a page, nulls included: runs can state very many in very few bytes.
    public var pageValues = 16 << 20
    /// The most values, nulls included, that are read at once as one column batch.
    public var batchValues = 32 << 20
    /// The most bytes that the values of one decoded column batch take.
    public var batchBytes = 256 << 20

    /// The most bytes that the values of one page take which has positions in a dictionary: they
    /// are read in parts, but a few kilobytes can stand for more than any disk holds.
    public var unfoldedBytes = 4 << 30

    /// The usual limits.
    public init() {}

    /// How deeply the Thrift structures of metadata may nest; the format's own reach eight.
    static let thriftDepth = 32
    /// How deeply groups of a schema may nest, which also keeps levels within a byte.
    static let schemaDepth = 100
    /// The longest page header in bytes; statistics are what makes one long.
    static let pageHeaderBytes = 16 << 20
}
