// SPDX-License-Identifier: Apache-2.0

/// Positions that share all but their lowest 16 bits: a sorted array while they are few, one bit
/// for each of 65,536 rows when they are not.
public struct RowContainer: Hashable, Sendable {
    /// What is above the lowest bits.
    public let key: Int64
    /// How many positions there are.
    public private(set) var count = 0
    /// The lowest bits of the positions, ascending; empty where there are ``words``.
    private var array: [UInt16] = []
    /// A bit for each position, from the lowest on; empty where there is an ``array``.
    private var words: [UInt64] = []

    /// How many bits the positions do not share.
    public static let bits: Int64 = 16
    /// More positions are bits.
    public static let largestArray = 4096
    private static let leastRoom = 8
    private static let wordCount = 1024

    /// A container without positions.
    public init(key: Int64) { self.key = key }

    /// Takes the lowest bits of positions; nil if they do not ascend.
    public init?(key: Int64, ascending lows: [UInt16]) {
        self.key = key
        guard zip(lows, lows.dropFirst()).allSatisfy({ $0 < $1 }) else { return nil }
        count = lows.count
        array = lows
        if count > Self.largestArray { turnToBits() }
    }

    /// Takes a bit for each position, in 1,024 words from the lowest on; nil of another number.
    public init?(key: Int64, words: [UInt64]) {
        self.key = key
        guard words.count == Self.wordCount else { return nil }
        count = words.reduce(0) { $0 + $1.nonzeroBitCount }
        self.words = words
        if count <= Self.largestArray {
            array = lows
            self.words = []
        }
    }

    /// The position whose lowest bits are 0.
    public var start: Int64 { key << Self.bits }

    /// The lowest bits of the positions, ascending.
    public var lows: [UInt16] {
        guard !words.isEmpty else { return array }
        var lows: [UInt16] = []
        lows.reserveCapacity(count)
        forEach(in: 0...UInt16.max) { lows.append($0) }
        return lows
    }

    /// Its 1,024 words of bits; nil where the positions are few.
    public var denseWords: [UInt64]? { words.isEmpty ? nil : words }

    /// About how much memory it takes: the same for the same positions, and no less for more.
    public var byteCount: Int {
        RowPositions.bytesOfContainer + Self.room(for: count) * MemoryLayout<UInt16>.size
    }

    /// For how many positions there is room in an array of so many.
    ///
    /// It doubles, so that most are added without moving the others. Bits take as much as the
    /// largest array.
    private static func room(for count: Int) -> Int {
        guard count < largestArray else { return largestArray }
        guard count > leastRoom else { return leastRoom }
        return 1 << (Int.bitWidth - (count - 1).leadingZeroBitCount)
    }

    var first: UInt16 {
        guard words.isEmpty else {
            let place = words.firstIndex { $0 != 0 } ?? 0
            return UInt16(truncatingIfNeeded: place * 64 + words[place].trailingZeroBitCount)
        }
        return array.first ?? 0
    }

    var last: UInt16 {
        guard words.isEmpty else {
            let place = words.lastIndex { $0 != 0 } ?? 0
            return UInt16(truncatingIfNeeded: place * 64 + 63 - words[place].leadingZeroBitCount)
        }
        return array.last ?? 0
    }

    func contains(_ low: UInt16) -> Bool {
        guard words.isEmpty else { return words[Int(low >> 6)] >> UInt64(low & 63) & 1 == 1 }
        let place = place(of: low)
        return place < array.count && array[place] == low
    }

    mutating func insert(_ low: UInt16) -> Bool {
        if !words.isEmpty {
            let bit = UInt64(1) << UInt64(low & 63)
            guard words[Int(low >> 6)] & bit == 0 else { return false }
            words[Int(low >> 6)] |= bit
            count += 1
            return true
        }
        let place = array.last.map { $0 < low } ?? true ? array.count : place(of: low)
        guard place == array.count || array[place] != low else { return false }
        guard count < Self.largestArray else {
            turnToBits()
            return insert(low)
        }
        count += 1
        let room = Self.room(for: count)
        if array.capacity < room { array.reserveCapacity(room) }
        if place == array.count { array.append(low) } else { array.insert(low, at: place) }
        return true
    }

    mutating func formUnion(_ other: RowContainer) {
        guard count + other.count > Self.largestArray else {
            for low in other.array { _ = insert(low) }
            return
        }
        var all = self
        all.turnToBits()
        if other.words.isEmpty {
            for low in other.array { _ = all.insert(low) }
        } else {
            for place in 0..<Self.wordCount { all.words[place] |= other.words[place] }
        }
        self = RowContainer(key: key, words: all.words) ?? all
    }

    func isSuperset(of other: RowContainer) -> Bool {
        guard count >= other.count else { return false }
        guard !words.isEmpty, !other.words.isEmpty else {
            return other.lows.allSatisfy { contains($0) }
        }
        return zip(words, other.words).allSatisfy { $0 & $1 == $1 }
    }

    func count(in lows: ClosedRange<UInt16>) -> Int {
        guard lows != 0...UInt16.max else { return count }
        guard !words.isEmpty else {
            let end = lows.upperBound == .max ? array.count : place(of: lows.upperBound + 1)
            return end - place(of: lows.lowerBound)
        }
        var found = 0
        forEachWord(in: lows) { found += $1.nonzeroBitCount }
        return found
    }

    func forEach(in lows: ClosedRange<UInt16>, _ body: (UInt16) -> Void) {
        guard !words.isEmpty else {
            for low in array[place(of: lows.lowerBound)...] {
                guard low <= lows.upperBound else { return }
                body(low)
            }
            return
        }
        forEachWord(in: lows) { place, word in
            var rest = word
            while rest != 0 {
                body(UInt16(truncatingIfNeeded: place * 64 + rest.trailingZeroBitCount))
                rest &= rest - 1
            }
        }
    }

    /// The words that a range meets, without the bits outside it.
    private func forEachWord(in lows: ClosedRange<UInt16>, _ body: (Int, UInt64) -> Void) {
        let (from, to) = (Int(lows.lowerBound), Int(lows.upperBound))
        for place in from >> 6...to >> 6 {
            var word = words[place]
            if place == from >> 6 { word &= UInt64.max << UInt64(from & 63) }
            if place == to >> 6 { word &= UInt64.max >> UInt64(63 - to & 63) }
            body(place, word)
        }
    }

    private mutating func turnToBits() {
        guard words.isEmpty else { return }
        words = [UInt64](repeating: 0, count: Self.wordCount)
        for low in array { words[Int(low >> 6)] |= 1 << UInt64(low & 63) }
        array = []
    }

    /// Where the first element of the array is that is not lower.
    private func place(of low: UInt16) -> Int {
        var (from, to) = (0, array.count)
        while from < to {
            let middle = from + (to - from) / 2
            if array[middle] < low { from = middle + 1 } else { to = middle }
        }
        return from
    }
}
