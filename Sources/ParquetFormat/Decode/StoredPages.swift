// SPDX-License-Identifier: Apache-2.0

/// What decides the values of a data page that has no dictionary, without a look at them: two pages
/// of the same column that agree in it have the same values.
public struct StoredPageContent: Hashable, Sendable {
    /// How many values there are, nulls included.
    public let valueCount: Int32
    /// How many bytes they take once they are decompressed, levels included.
    public let uncompressedSize: Int32
    /// A hash of the stored bytes.
    public let hash: UInt64
    /// Whether the bytes mean something only beside the chunk's dictionary.
    public let usesDictionary: Bool
    /// The codec, and what the header says of how to read the bytes.
    public let form: [Int32]

    init?(_ page: StoredPage, _ window: RawSpan, codec: ParquetCodec) {
        switch page.header.kind {
        case .data(let header):
            valueCount = header.valueCount
            usesDictionary = header.encoding.usesDictionary
            form = [
                codec.rawValue, page.header.type.rawValue, header.encoding.rawValue,
                header.definitionLevelEncoding.rawValue, header.repetitionLevelEncoding.rawValue,
            ]
        case .dataV2(let header):
            valueCount = header.valueCount
            usesDictionary = header.encoding.usesDictionary
            form = [
                codec.rawValue, page.header.type.rawValue, header.encoding.rawValue,
                header.definitionLevelsSize, header.repetitionLevelsSize,
                header.isCompressed ? 1 : 0,
            ]
        case .dictionary, .index: return nil
        }
        uncompressedSize = page.header.uncompressedSize
        hash = XXHash64.hash(window, page.payloadRange)
    }
}

/// Reads one column chunk page by page as it is stored; checksums are compared.
public struct StoredPageReader<Source: ParquetByteSource> {
    /// Why reading stopped.
    public typealias Failure = ParquetReadError<Source.Failure>

    private var stream: PageStream<Source>

    /// Prepares to read; nothing is requested yet.
    public init(
        _ file: ParquetFile<Source>, rowGroup: Int, column: Int
    ) throws(ParquetError) {
        stream = try PageStream(file, rowGroup: rowGroup, column: column, loaded: file.memory)
    }

    /// The next data page, or nil after the last; dictionaries are stepped over.
    public mutating func next() async throws(Failure) -> StoredPageContent? {
        while let page = try await stream.next() {
            let window = stream.window
            let content = StoredPageContent(page, window.span.bytes, codec: stream.chunk.codec)
            if let content { return content }
        }
        return nil
    }
}

extension ColumnMetadata {
    /// How many data pages the chunk has, by its footer; nil where that does not say so, or where
    /// pages have positions in a dictionary.
    public var pagesWithoutDictionary: Int? {
        guard let statistics = encodingStatistics, !statistics.isEmpty else { return nil }
        var count = 0
        for pages in statistics {
            guard pages.pageType != PageType.dictionary.rawValue,
                let encoding = ParquetEncoding(rawValue: pages.encoding), !encoding.usesDictionary
            else { return nil }
            count += Int(pages.count)
        }
        return count
    }
}
