// SPDX-License-Identifier: Apache-2.0

import Compression

/// A page as it is stored; its bytes are in the window of the stream that found it.
struct StoredPage {
    let header: PageHeader
    /// Where its header begins in the file.
    let offset: Int64
    let headerRange: Range<Int>
    let payloadRange: Range<Int>

    var place: ParquetPlace { ParquetPlace(.page, offset) }
}

/// Finds the pages of one column chunk, reading a window at a time.
///
/// A page's checksum is compared before the page is handed out. The stream ends after as many
/// values as the footer says; fewer or more are an error. Ranges of a page are good until the next
/// call.
struct PageStream<Source: ParquetByteSource> {
    private let file: ParquetFile<Source>
    let column: ParquetColumn
    let chunk: ColumnMetadata
    private let windowSize: Int
    private(set) var window: [UInt8]
    private var windowStart: Int64
    private var position = 0
    private var seenValues: Int64 = 0
    private var seenDictionary = false
    private let end: Int64
    private let isLoaded: Bool

    /// How much is read at once where nothing else is said.
    static var usualWindow: Int { 4 << 20 }

    /// - Parameter loaded: Bytes of the file that are there already, and where they begin.
    init(
        _ file: ParquetFile<Source>, rowGroup: Int, column: Int, windowSize: Int = usualWindow,
        loaded: (bytes: [UInt8], start: Int64)? = nil
    ) throws(ParquetError) {
        self.file = file
        self.column = file.schema.columns[column]
        guard let chunk = file.rowGroups[rowGroup].columns[column].metadata else {
            throw .malformed(
                reason: "it has no metadata", at: ParquetPlace(.footer, file.footerStart))
        }
        self.chunk = chunk
        self.windowSize = windowSize
        let range = chunk.byteRange
        // No header of a dictionary page is longer than that.
        let missing: Int64 = file.writer.understatesChunkSizes ? 100 : 0
        end = min(range.upperBound + missing, file.footerStart)
        if let loaded, loaded.start <= range.lowerBound,
            end <= loaded.start + Int64(loaded.bytes.count)
        {
            window = loaded.bytes
            windowStart = loaded.start
            position = Int(range.lowerBound - loaded.start)
            isLoaded = true
        } else {
            isLoaded = false
            window = []
            windowStart = range.lowerBound
        }
    }

    private var offset: Int64 { windowStart + Int64(position) }

    /// The next page but index pages, or nil after the last.
    mutating func next() async throws(ParquetReadError<Source.Failure>) -> StoredPage? {
        while seenValues < chunk.valueCount {
            do { try file.source.check() } catch { throw .source(error) }
            let page = try await nextOfAnyKind()
            do { if try account(for: page) { return page } } catch { throw .format(error) }
        }
        return nil
    }

    /// Counts a page; false for one to step over.
    private mutating func account(for page: StoredPage) throws(ParquetError) -> Bool {
        let count: Int32
        switch page.header.kind {
        case .index: return false
        case .dictionary:
            guard !seenDictionary, seenValues == 0 else {
                throw .malformed(reason: "a dictionary page is not the first", at: page.place)
            }
            seenDictionary = true
            return true
        case .data(let header): count = header.valueCount
        case .dataV2(let header): count = header.valueCount
        }
        guard count <= file.limits.pageValues else {
            throw .tooLarge(
                part: "a page's value count", size: Int64(count),
                limit: Int64(file.limits.pageValues))
        }
        seenValues += Int64(count)
        guard seenValues <= chunk.valueCount else {
            throw .malformed(
                reason: "its chunk has \(chunk.valueCount) values, its pages more", at: page.place)
        }
        return true
    }

    private mutating func nextOfAnyKind() async throws(ParquetReadError<Source.Failure>)
        -> StoredPage
    {
        let start = offset
        let (header, size) = try await nextHeader()
        let length = Int(header.compressedSize)
        let limit = file.limits.pageBytes
        let largest = max(length, Int(header.uncompressedSize))
        guard largest <= limit else {
            throw .format(.tooLarge(part: "a page", size: Int64(largest), limit: Int64(limit)))
        }
        guard Int64(size + length) <= end - start else {
            throw .format(
                .malformed(
                    reason: "it reaches out of its chunk", at: ParquetPlace(.page, start)))
        }
        try await fill(size + length)
        let payload = position + size..<position + size + length
        let page = StoredPage(
            header: header, offset: start, headerRange: position..<position + size,
            payloadRange: payload)
        if let checksum = header.checksum, checksum != crc32(window.span.bytes.extracting(payload))
        {
            throw .format(.checksumMismatch(at: page.place))
        }
        position += size + length
        return page
    }

    /// Reads a header, with more bytes as long as it may be that they are what is missing.
    private mutating func nextHeader() async throws(ParquetReadError<Source.Failure>)
        -> (PageHeader, Int)
    {
        let place = ParquetPlace(.pageHeader, offset)
        guard offset < end else {
            let reason = "its chunk ends after \(seenValues) of \(chunk.valueCount) values"
            throw .format(.malformed(reason: reason, at: place))
        }
        var wanted = 1 << 10
        while true {
            let available = Int(min(Int64(wanted), end - offset))
            try await fill(available)
            var reader = ThriftReader(
                window, range: position..<position + available, place: place)
            do throws(ParquetError) {
                let header = try PageHeader(from: &reader)
                return (header, reader.position - position)
            } catch {
                let isWhole = Int64(available) == end - offset
                guard !isWhole, wanted < ParquetLimits.pageHeaderBytes else {
                    throw .format(error)
                }
                wanted = min(wanted * 16, ParquetLimits.pageHeaderBytes)
            }
        }
    }

    /// Gives back the memory of a window that a large page filled; its bytes are good no more.
    mutating func dropLargeWindow() {
        guard !isLoaded, window.count > PageBody.largeSize else { return }
        (windowStart, position) = (offset, 0)
        window = []
    }

    /// Sees to it that so many bytes from the position on, all within the chunk, are in the window.
    private mutating func fill(_ count: Int) async throws(ParquetReadError<Source.Failure>) {
        guard window.count - position < count else { return }
        let start = offset
        let length = min(Int64(max(count, windowSize)), end - start)
        // Both at once would take twice the room.
        window = []
        window = try await file.read(start..<start + length, ParquetPlace(.columnChunk, start))
        windowStart = start
        position = 0
    }
}
