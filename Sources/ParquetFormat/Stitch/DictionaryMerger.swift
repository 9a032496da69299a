// SPDX-License-Identifier: Apache-2.0

// Merges the dictionaries of many chunks into one. This file uses pointers.
//
// Values are compared as plain bytes, so that numbers that differ only in their bits, like zeros of
// both signs, stay apart. A hash table of positions with open addressing finds them again; it is at
// most half full, so probing ends.
//
// Bounds: entries of a source are checked to lie in its bytes when they are located, and those of
// the merged dictionary lie in `plain` by construction; every pointer is formed from such an entry
// within the closure that lends the bytes.

/// Where the values of a plain dictionary page lie: one after the other, byte strings with the four
/// bytes of their length before each.
struct DictionaryEntries {
    private(set) var count = 0
    /// The bytes of each value; nil where values have any lengths.
    let width: Int?
    /// Where each value ends if they have any lengths.
    private var ends: [Int32] = []

    /// None, of a column's values.
    init(_ column: ParquetColumn) { width = column.plainWidth }

    /// None at all.
    init() { width = nil }

    /// Finds `count` values; the bytes must end with the last.
    init(_ input: RawSpan, _ column: ParquetColumn, count: Int) throws(DecodeFault) {
        guard input.byteCount <= Int32.max, column.type != .boolean else {
            throw .unsupported("a dictionary of \(column.type)")
        }
        width = column.plainWidth
        // Values of fixed width are counted at once; others have four bytes of length each.
        guard count >= 0, count <= input.byteCount / (width ?? 4) else { throw .endOfData }
        self.count = count
        guard width == nil else { return }
        ends.reserveCapacity(count)
        var position = 0
        for _ in 0..<count {
            guard input.byteCount - position >= 4 else { throw .endOfData }
            let stated = input.unsafeLoadUnaligned(fromByteOffset: position, as: UInt32.self)
            let length = Int(UInt32(littleEndian: stated))
            position += 4
            guard length <= input.byteCount - position else { throw .endOfData }
            position += length
            ends.append(Int32(position))
        }
    }

    /// Adds the value behind all others, which ends here.
    mutating func append(endingAt end: Int) {
        count += 1
        if width == nil { ends.append(Int32(end)) }
    }

    mutating func truncate(to count: Int) {
        if width == nil { ends.removeLast(self.count - count) }
        self.count = count
    }

    /// The place of a value, which must be one of them.
    @inline(__always)
    func range(_ index: Int) -> Range<Int> {
        precondition(index >= 0 && index < count, "a position is one of a value")
        if let width { return index * width..<(index + 1) * width }
        let start = index == 0 ? 0 : Int(ends[index - 1])
        return start + 4..<Int(ends[index])
    }

    /// How many bytes a value takes, its length aside.
    @inline(__always)
    func byteCount(_ index: Int) -> Int { range(index).count }
}

/// A dictionary that grows by the values of others.
struct DictionaryMerger {
    private let column: ParquetColumn
    private let byteLimit: Int
    /// The dictionary page's values, plain.
    private(set) var plain: [UInt8] = []
    private(set) var entries: DictionaryEntries
    /// Positions plus one; 0 is free.
    private var table = [Int32](repeating: 0, count: 1 << 10)
    /// The places in the table that the values took which are being added.
    private var addedSlots: [Int32] = []
    /// Whether the table has grown since the first of them, so that the places are others.
    private var hasGrown = false

    /// How many values of a dictionary are looked up before it is added.
    private static let sampleSize = 256

    init(_ column: ParquetColumn, byteLimit: Int) {
        self.column = column
        // Entries are found by 32 bits.
        self.byteLimit = min(byteLimit, 1 << 30)
        entries = DictionaryEntries(column)
    }

    var count: Int { entries.count }

    /// Adds a dictionary's values and tells where each now is; nil if it does not fit, and then
    /// nothing is added.
    mutating func add(_ input: RawSpan, _ source: DictionaryEntries) -> [UInt32]? {
        let (oldCount, oldSize) = (entries.count, plain.count)
        guard mayFit(input, source) else { return nil }
        var positions: [UInt32] = []
        positions.reserveCapacity(source.count)
        addedSlots.removeAll(keepingCapacity: true)
        hasGrown = false
        for index in 0..<source.count {
            guard let position = find(input, source.range(index)) else {
                rollBack(to: oldCount, size: oldSize)
                return nil
            }
            positions.append(position)
        }
        return positions
    }

    /// Whether a dictionary fits by what some of its values say: adding one in vain costs as much
    /// as adding it.
    private func mayFit(_ input: RawSpan, _ source: DictionaryEntries) -> Bool {
        guard let sampled = sample(input, source) else { return true }
        let added = input.byteCount / sampled.count * sampled.missing
        // A sample may mislead by a little.
        return plain.count + added / 5 * 4 <= byteLimit
    }

    /// Whether sources draw on so many different values that no dictionary holds them, by how few
    /// of one's values those before it had.
    func isOutgrown(by input: RawSpan, _ source: DictionaryEntries) -> Bool {
        guard plain.count >= byteLimit / 8, let sampled = sample(input, source) else {
            return false
        }
        // As with marked fish: the fewer are met again, the more there are.
        let all = plain.count / max(sampled.count - sampled.missing, 1) * sampled.count
        return all / 4 >= byteLimit
    }

    /// How many of some values of a dictionary are not there yet; nil where that tells little.
    private func sample(
        _ input: RawSpan, _ source: DictionaryEntries
    ) -> (count: Int, missing: Int)? {
        guard entries.count > 0, source.count > Self.sampleSize else { return nil }
        let step = source.count / Self.sampleSize
        let places = stride(from: 0, to: source.count, by: step)
        return places.reduce(into: (count: 0, missing: 0)) { seen, index in
            seen.count += 1
            seen.missing += contains(input, source.range(index)) ? 0 : 1
        }
    }

    private func contains(_ input: RawSpan, _ range: Range<Int>) -> Bool {
        let mask = table.count - 1
        var slot = hash(input, range) & mask
        while table[slot] != 0 {
            if isEqual(input, range, entries.range(Int(table[slot] - 1))) { return true }
            slot = (slot + 1) & mask
        }
        return false
    }

    /// Adds some of a column's values and appends where each is; false if one does not fit, and
    /// then nothing is added or appended.
    mutating func add(
        _ values: ColumnValues, _ range: Range<Int>, to positions: inout [UInt32]
    ) -> Bool {
        switch values {
        case .boolean: return false
        case .int32(let array): return add(array.span.bytes, range, width: 4, &positions)
        case .int64(let array): return add(array.span.bytes, range, width: 8, &positions)
        case .float(let array): return add(array.span.bytes, range, width: 4, &positions)
        case .double(let array): return add(array.span.bytes, range, width: 8, &positions)
        case .int96(let array), .fixedLengthByteArray(let array):
            return add(array.bytes.span.bytes, range, width: array.width, &positions)
        case .byteArray(let array):
            return add(array.bytes.span.bytes, range, &positions) { array.range(at: $0) }
        }
    }

    private mutating func add(
        _ input: RawSpan, _ range: Range<Int>, width: Int, _ positions: inout [UInt32]
    ) -> Bool {
        add(input, range, &positions) { $0 * width..<($0 + 1) * width }
    }

    @inline(__always)
    private mutating func add(
        _ input: RawSpan, _ range: Range<Int>, _ positions: inout [UInt32],
        _ place: (Int) -> Range<Int>
    ) -> Bool {
        let (oldCount, oldSize, oldPositions) = (entries.count, plain.count, positions.count)
        positions.reserveCapacity(oldPositions + range.count)
        addedSlots.removeAll(keepingCapacity: true)
        hasGrown = false
        for index in range {
            guard let position = find(input, place(index)) else {
                rollBack(to: oldCount, size: oldSize)
                positions.removeLast(positions.count - oldPositions)
                return false
            }
            positions.append(position)
        }
        return true
    }

    private mutating func find(_ input: RawSpan, _ range: Range<Int>) -> UInt32? {
        if entries.count * 2 >= table.count { rebuild(size: table.count * 2) }
        let mask = table.count - 1
        var slot = hash(input, range) & mask
        while table[slot] != 0 {
            let index = Int(table[slot] - 1)
            if isEqual(input, range, entries.range(index)) { return UInt32(index) }
            slot = (slot + 1) & mask
        }
        let prefix = column.plainWidth == nil ? 4 : 0
        guard plain.count + prefix + range.count <= byteLimit, entries.count < Int32.max - 1 else {
            return nil
        }
        if prefix > 0 {
            withUnsafeBytes(of: UInt32(range.count).littleEndian) { plain += $0 }
        }
        PlainBytes.append(input, range, to: &plain)
        entries.append(endingAt: plain.count)
        table[slot] = Int32(entries.count)
        addedSlots.append(Int32(slot))
        return UInt32(entries.count - 1)
    }

    private mutating func rollBack(to count: Int, size: Int) {
        entries.truncate(to: count)
        plain.removeLast(plain.count - size)
        if hasGrown {
            rebuild(size: table.count)
        } else {
            // Nothing else was added since, so that no chain of places leads over these.
            for slot in addedSlots { table[Int(slot)] = 0 }
        }
    }

    private mutating func rebuild(size: Int) {
        var fresh = [Int32](repeating: 0, count: size)
        for index in 0..<entries.count {
            var slot = hash(plain.span.bytes, entries.range(index)) & (size - 1)
            while fresh[slot] != 0 { slot = (slot + 1) & (size - 1) }
            fresh[slot] = Int32(index + 1)
        }
        table = fresh
        hasGrown = true
    }

    /// Eight bytes at a time, mixed by multiplication; nobody gains by colliding values, for the
    /// limit on the dictionary bounds the work as well.
    @inline(__always)
    private func hash(_ input: RawSpan, _ range: Range<Int>) -> Int {
        input.withUnsafeBytes { bytes in
            let value = UnsafeRawBufferPointer(rebasing: bytes[range])
            var state = UInt64(value.count) &* 0x9E37_79B9_7F4A_7C15
            var position = 0
            while position + 8 <= value.count {
                state = mix(state, value.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                position += 8
            }
            var rest: UInt64 = 0
            while position < value.count {
                rest = rest << 8 | UInt64(value[position])
                position += 1
            }
            return Int(truncatingIfNeeded: mix(state, rest) >> 8)
        }
    }

    @inline(__always)
    private func mix(_ state: UInt64, _ word: UInt64) -> UInt64 {
        let product = (state ^ word).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        return product.high ^ product.low
    }

    /// Both have the same length; eight bytes at a time, then one.
    @inline(__always)
    private func isEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        var position = 0
        while position + 8 <= left.count {
            let word = left.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            guard word == right.loadUnaligned(fromByteOffset: position, as: UInt64.self) else {
                return false
            }
            position += 8
        }
        while position < left.count {
            guard left[position] == right[position] else { return false }
            position += 1
        }
        return true
    }

    @inline(__always)
    private func isEqual(_ input: RawSpan, _ range: Range<Int>, _ mine: Range<Int>) -> Bool {
        guard range.count == mine.count else { return false }
        return input.withUnsafeBytes { left in
            plain.withUnsafeBytes { right in
                isEqual(
                    UnsafeRawBufferPointer(rebasing: left[range]),
                    UnsafeRawBufferPointer(rebasing: right[mine]))
            }
        }
    }
}
