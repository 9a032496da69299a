// SPDX-License-Identifier: Apache-2.0

// Rows in bytes, which a sort moves in buffers of its own. This file uses pointers.
//
// Bounds: every byte, number and part is taken through the extension at the end, which compares its
// place with the buffer's length, in release builds too: a row whose lengths reach out of it, as
// after a fault of the disk, ends the process and shows nothing of what lies beyond.

/// How the values of one column of a row lie in bytes, by which rows are moved one by one.
///
/// A column that does not repeat has its definition level, where there may be nulls, and its value
/// if there is one. A column that repeats has four bytes that say how long the rest is, four that
/// say how many entries there are, their levels and their values. Values are plain, byte strings
/// behind four bytes of their length.
public struct RowLayout: Sendable {
    /// The column.
    public let column: ParquetColumn
    private let maximum: UInt8
    /// The bytes of a value; nil where they vary.
    private let width: Int?

    private static let lengthSize = 4

    /// The layout of a column's values.
    public init(_ column: ParquetColumn) {
        self.column = column
        maximum = UInt8(column.maximumDefinitionLevel)
        width = column.type == .boolean ? 1 : column.plainWidth
    }

    // MARK: Looking

    /// How many bytes a row has, of which these are the first; nil if they are too few to tell.
    public func size(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard !column.isRepeated else {
            return bytes.count < Self.lengthSize ? nil : Self.lengthSize + Self.length(bytes, at: 0)
        }
        var start = 0
        if maximum > 0 {
            guard let level = bytes.first else { return nil }
            guard level == maximum else { return 1 }
            start = 1
        }
        if let width { return start + width }
        guard bytes.count >= start + Self.lengthSize else { return nil }
        return start + Self.lengthSize + Self.length(bytes, at: start)
    }

    /// The plain bytes of a row's value, without a length; nil for null.
    ///
    /// For columns that do not repeat.
    public func value(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        precondition(!column.isRepeated, "a row has one value of a column that does not repeat")
        var start = 0
        if maximum > 0 {
            guard bytes.byte(0) == maximum else { return nil }
            start = 1
        }
        if width == nil { start += Self.lengthSize }
        return UnsafeRawBufferPointer(rebasing: bytes.part(start..<max(start, bytes.count)))
    }

    private static func length(_ bytes: UnsafeRawBufferPointer, at place: Int) -> Int {
        Int(UInt32(littleEndian: bytes.number(place)))
    }

    // MARK: From batches

    /// Appends the first rows of a batch.
    ///
    /// - Throws: ``ParquetError/incompatible(reason:)`` for a batch that is none of the column.
    public func append(_ rows: WholeRows, to bytes: inout [UInt8]) throws(ParquetError) {
        try rows.batch.check(column)
        // The loops are written out so that what a value is is decided once for all of them.
        switch rows.batch.values {
        case .boolean(let array): each(rows, &bytes) { $0.append(array[$1] ? 1 : 0) }
        case .int32(let array): each(rows, &bytes) { Self.append(array[$1], to: &$0) }
        case .int64(let array): each(rows, &bytes) { Self.append(array[$1], to: &$0) }
        case .float(let array): each(rows, &bytes) { Self.append(array[$1].bitPattern, to: &$0) }
        case .double(let array): each(rows, &bytes) { Self.append(array[$1].bitPattern, to: &$0) }
        case .int96(let array), .fixedLengthByteArray(let array):
            each(rows, &bytes) { $0 += array[$1] }
        case .byteArray(let array):
            each(rows, &bytes) { bytes, index in
                let value = array[index]
                Self.append(UInt32(truncatingIfNeeded: value.count), to: &bytes)
                bytes += value
            }
        }
    }

    @inline(__always)
    private static func append(_ number: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    @inline(__always)
    private func each(
        _ rows: WholeRows, _ bytes: inout [UInt8], _ append: (inout [UInt8], Int) -> Void
    ) {
        let batch = rows.batch
        var value = 0
        guard column.isRepeated else {
            for row in 0..<rows.rowCount {
                if maximum > 0 {
                    bytes.append(batch.definitionLevels[row])
                    guard batch.definitionLevels[row] == maximum else { continue }
                }
                append(&bytes, value)
                value += 1
            }
            return
        }
        var entry = 0
        for _ in 0..<rows.rowCount {
            var end = entry + 1
            while end < batch.count, batch.repetitionLevels[end] != 0 { end += 1 }
            let start = bytes.count
            Self.append(UInt32(0), to: &bytes)
            Self.append(UInt32(truncatingIfNeeded: end - entry), to: &bytes)
            bytes += batch.repetitionLevels[entry..<end]
            bytes += batch.definitionLevels[entry..<end]
            for level in batch.definitionLevels[entry..<end] where level == maximum {
                append(&bytes, value)
                value += 1
            }
            let length = UInt32(truncatingIfNeeded: bytes.count - start - Self.lengthSize)
            withUnsafeBytes(of: length.littleEndian) {
                bytes.replaceSubrange(start..<start + Self.lengthSize, with: $0)
            }
            entry = end
        }
    }

    // MARK: To batches

    /// Makes a batch of rows.
    ///
    /// - Parameter places: Where the column of each row begins in the bytes; moved behind it.
    public func batch(
        _ bytes: UnsafeRawBufferPointer, _ places: inout [Int]
    ) -> ColumnBatch {
        var batch = ColumnBatch(for: column)
        switch column.type {
        case .boolean:
            let array = values(bytes, &places, &batch) { bytes.byte($0) != 0 }
            batch.values = .boolean(array)
        case .int32:
            let array = values(bytes, &places, &batch) { Int32(littleEndian: bytes.number($0)) }
            batch.values = .int32(array)
        case .int64:
            let array = values(bytes, &places, &batch) { Int64(littleEndian: bytes.number($0)) }
            batch.values = .int64(array)
        case .float:
            let array = values(bytes, &places, &batch) {
                Float(bitPattern: UInt32(littleEndian: bytes.number($0)))
            }
            batch.values = .float(array)
        case .double:
            let array = values(bytes, &places, &batch) {
                Double(bitPattern: UInt64(littleEndian: bytes.number($0)))
            }
            batch.values = .double(array)
        case .int96, .fixedLengthByteArray:
            let width = width ?? 1
            var array = FixedByteArrays(width: width)
            walk(bytes, &places, &batch) {
                array.append(bytes.part($0..<$0 + width))
                return width
            }
            batch.values = column.type == .int96 ? .int96(array) : .fixedLengthByteArray(array)
        case .byteArray:
            var array = ByteArrays()
            walk(bytes, &places, &batch) {
                let start = $0 + Self.lengthSize
                let length = Self.length(bytes, at: $0)
                array.append(bytes.part(start..<start + length))
                return Self.lengthSize + length
            }
            batch.values = .byteArray(array)
        }
        return batch
    }

    private func values<Value>(
        _ bytes: UnsafeRawBufferPointer, _ places: inout [Int], _ batch: inout ColumnBatch,
        _ value: (Int) -> Value
    ) -> [Value] {
        var array: [Value] = []
        array.reserveCapacity(places.count)
        let width = width ?? 1
        walk(bytes, &places, &batch) {
            array.append(value($0))
            return width
        }
        return array
    }

    /// Walks over the values of rows, and takes their levels.
    ///
    /// - Parameter take: Takes the value at a place, and says how many bytes it has.
    @inline(__always)
    private func walk(
        _ bytes: UnsafeRawBufferPointer, _ places: inout [Int], _ batch: inout ColumnBatch,
        _ take: (Int) -> Int
    ) {
        for row in places.indices {
            var place = places[row]
            defer { places[row] = place }
            guard column.isRepeated else {
                batch.count += 1
                if maximum > 0 {
                    let level = bytes.byte(place)
                    batch.definitionLevels.append(level)
                    place += 1
                    guard level == maximum else { continue }
                }
                place += take(place)
                continue
            }
            let count = Self.length(bytes, at: place + Self.lengthSize)
            place += 2 * Self.lengthSize
            batch.count += count
            batch.repetitionLevels.append(contentsOf: bytes.part(place..<place + count))
            let levels = place + count..<place + 2 * count
            batch.definitionLevels.append(contentsOf: bytes.part(levels))
            place = levels.upperBound
            for level in levels where bytes.byte(level) == maximum { place += take(place) }
        }
    }
}

extension UnsafeRawBufferPointer {
    @inline(__always)
    fileprivate func number<Number: FixedWidthInteger & BitwiseCopyable>(
        _ place: Int
    ) -> Number {
        precondition(
            place >= 0 && place <= count - MemoryLayout<Number>.size, "a number lies in its row")
        return loadUnaligned(fromByteOffset: place, as: Number.self)
    }

    @inline(__always)
    fileprivate func byte(_ place: Int) -> UInt8 {
        precondition(place >= 0 && place < count, "a byte lies in its row")
        return self[place]
    }

    @inline(__always)
    fileprivate func part(_ range: Range<Int>) -> Slice<UnsafeRawBufferPointer> {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "a part lies in its row")
        return self[range]
    }
}
