// SPDX-License-Identifier: Apache-2.0

/// The keys of some rows: the values of all columns of a row, one after the other.
struct KeyBatch: Sendable {
    private(set) var bytes: [UInt8]
    /// Where each row's key ends.
    private(set) var ends: [Int]
    private(set) var hashes: [UInt64]

    var count: Int { ends.count }

    /// Puts the columns of rows together; every column has as many values.
    init(_ columns: [KeyValues], count: Int) {
        if let only = columns.first, columns.count == 1 {
            (bytes, ends) = (only.bytes, only.ends)
        } else {
            bytes = []
            ends = []
            bytes.reserveCapacity(columns.reduce(0) { $0 + $1.bytes.count })
            ends.reserveCapacity(count)
            for row in 0..<count {
                for column in columns { bytes += column.bytes[column.range(row)] }
                ends.append(bytes.count)
            }
        }
        hashes = []
        hashes.reserveCapacity(count)
        for row in 0..<count { hashes.append(KeyHash.of(bytes, range(row))) }
    }

    @inline(__always)
    func range(_ row: Int) -> Range<Int> { (row == 0 ? 0 : ends[row - 1])..<ends[row] }
}

/// A hash of 64 bits, good enough for tables of keys.
enum KeyHash {
    @inline(__always)
    private static func mixed(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    @inline(__always)
    static func of(_ bytes: [UInt8], _ range: Range<Int>) -> UInt64 {
        bytes.withUnsafeBytes { all in
            let bytes = UnsafeRawBufferPointer(rebasing: all[range])
            var hash = UInt64(bytes.count) ^ 0x9E37_79B9_7F4A_7C15
            var index = 0
            while index + 8 <= bytes.count {
                let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                hash = mixed(hash ^ word, 0xD6E8_FEB8_6659_FD93) ^ hash
                index += 8
            }
            var rest: UInt64 = 0
            for place in index..<bytes.count {
                rest |= UInt64(bytes[place]) << UInt64(8 * (place - index))
            }
            hash = mixed(hash ^ rest, 0xA076_1D64_78BD_642F)
            return mixed(hash ^ 0xE703_7ED1_A0B4_28DB, 0x8EBC_6AF0_9C88_C6E3)
        }
    }
}

/// One of the equal parts into which keys are divided by their hashes, where they are too many at
/// once.
struct KeyPart: Hashable, Sendable {
    /// How many parts there are: a power of two.
    let count: UInt64
    let index: UInt64

    /// All keys.
    static let whole = KeyPart(count: 1, index: 0)
    /// So many parts are made at most.
    static let largestCount: UInt64 = 1 << 16

    /// Its two halves; nil where it is small enough that dividing it further makes no sense.
    var halves: [KeyPart]? {
        guard count < Self.largestCount else { return nil }
        return [
            KeyPart(count: count * 2, index: index),
            KeyPart(count: count * 2, index: index + count),
        ]
    }

    // A table takes the low bits for places.
    @inline(__always)
    func holds(_ hash: UInt64) -> Bool { hash >> 40 & (count - 1) == index }
}

/// Keys, each with the highest sequence number at which it was deleted: which of older ones there
/// are besides changes nothing.
struct KeyTable: Sendable {
    private var bytes: [UInt8] = []
    private var entries: [Entry] = []
    /// Places of entries by hash, one more than the index; 0 where there is none.
    private var slots: [UInt32] = [UInt32](repeating: 0, count: 64)

    private struct Entry {
        let hash: UInt64
        let start: Int
        let length: Int
        var sequenceNumber: Int64
    }

    var count: Int { entries.count }

    /// How much memory the table takes.
    var byteCount: Int {
        bytes.capacity + entries.capacity * MemoryLayout<Entry>.stride + slots.count * 4
    }

    /// Inserts those keys of a batch that belong to a part.
    mutating func insert(_ batch: KeyBatch, sequenceNumber: Int64, part: KeyPart) {
        for row in 0..<batch.count where part.holds(batch.hashes[row]) {
            let (slot, entry) = find(batch, row)
            if let entry {
                if entries[entry].sequenceNumber < sequenceNumber {
                    entries[entry].sequenceNumber = sequenceNumber
                }
                continue
            }
            let range = batch.range(row)
            entries.append(
                Entry(
                    hash: batch.hashes[row], start: bytes.count, length: range.count,
                    sequenceNumber: sequenceNumber))
            bytes += batch.bytes[range]
            slots[slot] = UInt32(entries.count)
            if entries.count * 2 > slots.count { grow() }
        }
    }

    /// When a row's key was deleted last; nil if it never was.
    @inline(__always)
    func sequenceNumber(_ batch: KeyBatch, _ row: Int) -> Int64? {
        find(batch, row).entry.map { entries[$0].sequenceNumber }
    }

    @inline(__always)
    private func find(_ batch: KeyBatch, _ row: Int) -> (slot: Int, entry: Int?) {
        let hash = batch.hashes[row]
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            let index = Int(slots[slot]) - 1
            if entries[index].hash == hash, isEqual(entries[index], batch, row) {
                return (slot, index)
            }
            slot = (slot + 1) & mask
        }
        return (slot, nil)
    }

    @inline(__always)
    private func isEqual(_ entry: Entry, _ batch: KeyBatch, _ row: Int) -> Bool {
        let range = batch.range(row)
        guard range.count == entry.length else { return false }
        return bytes[entry.start..<entry.start + entry.length].elementsEqual(batch.bytes[range])
    }

    private mutating func grow() {
        slots = [UInt32](repeating: 0, count: slots.count * 2)
        let mask = slots.count - 1
        for (index, entry) in entries.enumerated() {
            var slot = Int(truncatingIfNeeded: entry.hash) & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = UInt32(index + 1)
        }
    }
}
