// SPDX-License-Identifier: Apache-2.0

import Compression
public import RowSets

/// Which rows of one data file are deleted (format version 3).
///
/// Iceberg spec, Deletion Vectors; Puffin spec, `deletion-vector-v1`; the RoaringFormatSpec, with
/// its extension to 64 bits.
public struct DeletionVector: Hashable, Sendable {
    /// The positions of deleted rows.
    public let positions: RowPositions

    static let magic: [UInt8] = [0xD1, 0xD3, 0x39, 0x64]
    /// What surrounds the bitmap: its length before, and the magic; a checksum behind.
    private static let frame = 12

    /// Bitmaps that begin with it have containers of runs.
    static let runCookie = 12_347
    /// Bitmaps that begin with it have none.
    static let plainCookie = 12_346
    /// Bitmaps with runs and fewer containers have no offsets.
    static let offsetThreshold = 4

    /// Reads the blob that a manifest's offset and size point to.
    ///
    /// - Parameter limit: The most bytes that its positions may take in memory.
    /// - Throws: ``DeletionVectorError``.
    public init(blob: [UInt8], limit: Int) throws(DeletionVectorError) {
        guard blob.count >= Self.frame else { throw .malformed("it has \(blob.count) bytes") }
        let length = Self.bigEndian(blob[0..<4])
        guard length == blob.count - 8 else {
            throw .malformed("it says that it has \(length) bytes, and has \(blob.count - 8)")
        }
        guard Array(blob[4..<8]) == Self.magic else { throw .malformed("its magic is another") }
        let end = blob.count - 4
        let checksum = crc32(blob.span.bytes.extracting(4..<end))
        guard Int(checksum) == Self.bigEndian(blob[end...]) else {
            throw .malformed("its checksum is another")
        }
        var reader = RoaringReader(bytes: blob[8..<end], limit: limit)
        positions = try reader.read()
    }

    private static func bigEndian(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.reduce(0) { $0 << 8 | Int($1) }
    }
}

/// Why a deletion vector cannot be used.
public enum DeletionVectorError: Error, Hashable, Sendable {
    /// Its bytes are none of a deletion vector.
    case malformed(String)
    /// Its positions take more memory than they may.
    case tooLarge(limit: Int)
}

extension DeletionVectorError: CustomStringConvertible {
    /// The text form, for logs and messages.
    public var description: String {
        switch self {
        case .malformed(let reason): "the deletion vector is damaged: \(reason)"
        case .tooLarge(let limit): "the deletion vector takes more than \(limit) bytes of memory"
        }
    }
}

/// Reads a bitmap of 64 bits: bitmaps of 32 bits by their upper halves.
private struct RoaringReader {
    private let bytes: ArraySlice<UInt8>
    private let limit: Int
    private var offset: Int
    private var positions = RowPositions()
    private var byteCount = 0

    init(bytes: ArraySlice<UInt8>, limit: Int) {
        self.bytes = bytes
        self.limit = limit
        offset = bytes.startIndex
    }

    mutating func read() throws(DeletionVectorError) -> RowPositions {
        let count = try integer(8)
        var last = -1
        // Each takes twelve bytes at least, so that a wrong count ends soon.
        for _ in 0..<count {
            let key = try integer(4)
            guard key > last, key <= Int32.max else {
                throw .malformed("its upper halves do not ascend")
            }
            last = key
            try readBitmap(base: Int64(key) << 16)
        }
        guard offset == bytes.endIndex else {
            throw .malformed("\(bytes.endIndex - offset) bytes follow its bitmaps")
        }
        return positions
    }

    private mutating func integer(_ width: Int) throws(DeletionVectorError) -> Int {
        guard bytes.endIndex - offset >= width else {
            throw .malformed("it ends within a number")
        }
        var value: UInt64 = 0
        for place in 0..<width { value |= UInt64(bytes[offset + place]) << UInt64(8 * place) }
        offset += width
        guard let number = Int(exactly: value) else { throw .malformed("a count is too large") }
        return number
    }

    /// - Parameter base: What the keys of containers are counted from.
    private mutating func readBitmap(base: Int64) throws(DeletionVectorError) {
        let cookie = try integer(4)
        var count: Int
        var runs: [UInt8] = []
        if cookie & 0xFFFF == DeletionVector.runCookie {
            count = cookie >> 16 + 1
            for _ in 0..<(count + 7) / 8 { runs.append(UInt8(try integer(1))) }
        } else if cookie == DeletionVector.plainCookie {
            count = try integer(4)
        } else {
            throw .malformed("a bitmap begins with \(cookie)")
        }
        guard count <= 1 << 16 else { throw .malformed("a bitmap has \(count) containers") }
        var headers: [(key: Int, count: Int)] = []
        for _ in 0..<count {
            let key = try integer(2)
            guard key > headers.last?.key ?? -1 else {
                throw .malformed("its containers do not ascend")
            }
            headers.append((key, try integer(2) + 1))
        }
        if runs.isEmpty || count >= DeletionVector.offsetThreshold {
            for _ in 0..<count { _ = try integer(4) }
        }
        for (index, header) in headers.enumerated() {
            let isRun = !runs.isEmpty && runs[index / 8] >> UInt8(index % 8) & 1 == 1
            try read(header.count, key: base | Int64(header.key), isRun: isRun)
        }
    }

    private mutating func read(
        _ count: Int, key: Int64, isRun: Bool
    ) throws(DeletionVectorError) {
        let container: RowContainer?
        if isRun {
            container = RowContainer(key: key, words: try runs())
        } else if count > RowContainer.largestArray {
            var words: [UInt64] = []
            words.reserveCapacity(1024)
            for _ in 0..<1024 { words.append(try word()) }
            container = RowContainer(key: key, words: words)
        } else {
            var lows: [UInt16] = []
            lows.reserveCapacity(count)
            for _ in 0..<count { lows.append(UInt16(truncatingIfNeeded: try integer(2))) }
            container = RowContainer(key: key, ascending: lows)
        }
        guard let container else { throw .malformed("its positions do not ascend") }
        guard container.count == count else {
            throw .malformed("a container has another number of values than it says")
        }
        byteCount += container.byteCount
        guard byteCount <= limit else { throw .tooLarge(limit: limit) }
        guard positions.append(container) else {
            throw .malformed("its containers do not ascend")
        }
    }

    private mutating func word() throws(DeletionVectorError) -> UInt64 {
        let low = UInt64(try integer(4))
        return UInt64(try integer(4)) << 32 | low
    }

    private mutating func runs() throws(DeletionVectorError) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: 1024)
        var next = 0
        for _ in 0..<(try integer(2)) {
            let first = try integer(2)
            let end = first + (try integer(2)) + 1
            guard first >= next else { throw .malformed("its positions do not ascend") }
            guard end <= 1 << 16 else { throw .malformed("a run leaves its container") }
            for value in first..<end { words[value >> 6] |= 1 << UInt64(value & 63) }
            next = end
        }
        return words
    }
}
