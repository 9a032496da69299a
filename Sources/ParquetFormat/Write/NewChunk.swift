// SPDX-License-Identifier: Apache-2.0

/// What the footer and the indexes say of a column chunk that was made.
struct NewChunk: Sendable {
    let column: Int
    let rowCount: Int64
    private(set) var metadata: ColumnMetadata
    private(set) var offsetIndex: OffsetIndex?
    let columnIndex: [UInt8]?
    let bloomFilter: SplitBlockFilter?

    /// Notes that the chunk's pages are so many bytes further on.
    mutating func move(by distance: Int64) {
        // Without pages it is nowhere.
        guard metadata.valueCount > 0 else { return }
        metadata.dataPageOffset += distance
        if let offset = metadata.dictionaryPageOffset {
            metadata.dictionaryPageOffset = offset + distance
        }
        for index in offsetIndex?.pages.indices ?? 0..<0 {
            offsetIndex?.pages[index].offset += distance
        }
    }
}

extension FileWriter.ChunkIndexes {
    /// Those of a chunk that was made, once it is where it stays.
    init(_ chunk: NewChunk) {
        self.init(
            column: chunk.column, columnIndex: chunk.columnIndex,
            offsetIndex: chunk.offsetIndex?.thriftBytes, bloomFilter: chunk.bloomFilter)
    }
}
