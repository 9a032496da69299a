// SPDX-License-Identifier: Apache-2.0

/// Positions of rows in a file, ascending and each once, as a Roaring bitmap has them.
///
/// A position takes two to four bytes, and where more than 4,096 of 65,536 rows are in the set one
/// bit for each of these: all rows of a billion take 120 MiB. Positions that lie far apart take up
/// to ``bytesOfContainer`` more each.
public struct RowPositions: Sendable {
    /// In the order of their keys; none is empty.
    public private(set) var containers: [RowContainer] = []
    /// How many positions there are.
    public private(set) var count = 0
    /// About how much memory they take.
    public private(set) var byteCount = 0

    /// What a container takes beside its positions.
    public static let bytesOfContainer = 96

    /// An empty set.
    public init() {}

    /// Takes positions in any order, some of them perhaps more than once.
    public init(_ positions: some Sequence<Int64>) {
        for position in positions { insert(position) }
    }

    /// Whether there are none.
    public var isEmpty: Bool { count == 0 }

    /// The lowest position.
    public var first: Int64? { containers.first.map { $0.start | Int64($0.first) } }

    /// The highest position.
    public var last: Int64? { containers.last.map { $0.start | Int64($0.last) } }

    /// A position that is none of a file of so many rows; nil if all are.
    public func stray(inFileOf rowCount: Int64) -> Int64? {
        guard let first, let last else { return nil }
        return first < 0 ? first : last >= rowCount ? last : nil
    }

    /// Whether a position is in the set.
    public func contains(_ position: Int64) -> Bool {
        let place = place(of: position >> RowContainer.bits)
        guard place < containers.count, containers[place].key == position >> RowContainer.bits
        else { return false }
        return containers[place].contains(UInt16(truncatingIfNeeded: position))
    }

    /// Adds a position; false if it was there.
    @discardableResult
    public mutating func insert(_ position: Int64) -> Bool {
        let key = position >> RowContainer.bits
        var place = containers.count - 1
        if place < 0 || containers[place].key < key {
            place += 1
            add(RowContainer(key: key), at: place)
        } else if containers[place].key > key {
            place = self.place(of: key)
            if containers[place].key != key { add(RowContainer(key: key), at: place) }
        }
        let before = containers[place].byteCount
        guard containers[place].insert(UInt16(truncatingIfNeeded: position)) else { return false }
        count += 1
        byteCount += containers[place].byteCount - before
        return true
    }

    private mutating func add(_ container: RowContainer, at place: Int) {
        containers.insert(container, at: place)
        count += container.count
        byteCount += container.byteCount
    }

    /// Adds a container of positions above all that are there; false if it is not above them.
    public mutating func append(_ container: RowContainer) -> Bool {
        guard container.count > 0 else { return true }
        guard containers.last.map({ $0.key < container.key }) ?? true else { return false }
        add(container, at: containers.count)
        return true
    }

    /// Adds the positions of another set.
    public mutating func formUnion(_ other: RowPositions) {
        guard !containers.isEmpty else {
            self = other
            return
        }
        var merged: [RowContainer] = []
        merged.reserveCapacity(containers.count + other.containers.count)
        var (left, right) = (containers[...], other.containers[...])
        containers = []
        while let one = left.first, let two = right.first {
            if one.key < two.key {
                merged.append(left.removeFirst())
            } else if two.key < one.key {
                merged.append(right.removeFirst())
            } else {
                var both = left.removeFirst()
                both.formUnion(right.removeFirst())
                merged.append(both)
            }
        }
        containers = merged + left + right
        count = containers.reduce(0) { $0 + $1.count }
        byteCount = containers.reduce(0) { $0 + $1.byteCount }
    }

    /// Whether all positions of another set are in this one.
    public func isSuperset(of other: RowPositions) -> Bool {
        other.containers.allSatisfy { container in
            let place = place(of: container.key)
            return place < containers.count && containers[place].key == container.key
                && containers[place].isSuperset(of: container)
        }
    }

    /// How many positions of a range are in the set.
    public func count(in range: Range<Int64>) -> Int {
        visit(range).reduce(0) { $0 + $1.container.count(in: $1.lows) }
    }

    /// The positions of a range that are in the set, ascending: eight bytes for each.
    public func elements(in range: Range<Int64>) -> [Int64] {
        var found: [Int64] = []
        for (container, lows) in visit(range) {
            container.forEach(in: lows) { found.append(container.start | Int64($0)) }
        }
        return found
    }

    /// The containers that a range of positions meets, each with what the range has of it.
    private func visit(
        _ range: Range<Int64>
    ) -> [(container: RowContainer, lows: ClosedRange<UInt16>)] {
        guard let last = range.last else { return [] }
        let (low, high) = (range.lowerBound >> RowContainer.bits, last >> RowContainer.bits)
        var found: [(container: RowContainer, lows: ClosedRange<UInt16>)] = []
        for container in containers[place(of: low)...] {
            guard container.key <= high else { break }
            let from = container.key == low ? UInt16(truncatingIfNeeded: range.lowerBound) : 0
            let to = container.key == high ? UInt16(truncatingIfNeeded: last) : .max
            found.append((container, from...to))
        }
        return found
    }

    /// Where the first container is whose key is not lower.
    private func place(of key: Int64) -> Int {
        var (low, high) = (0, containers.count)
        while low < high {
            let middle = low + (high - low) / 2
            if containers[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension RowPositions: Hashable {
    /// Whether both have the same positions, however they came there.
    public static func == (left: RowPositions, right: RowPositions) -> Bool {
        left.containers == right.containers
    }

    /// Hashes the positions.
    public func hash(into hasher: inout Hasher) { hasher.combine(containers) }
}

extension RowPositions: ExpressibleByArrayLiteral {
    /// Takes positions in any order.
    public init(arrayLiteral positions: Int64...) { self.init(positions) }
}

extension RowPositions: Sequence {
    /// Goes through the positions from the lowest on.
    public struct Iterator: IteratorProtocol {
        private let containers: [RowContainer]
        private var container = 0
        private var start: Int64 = 0
        /// Positions of the current container.
        private var lows: [UInt16] = []
        private var place = 0

        init(_ containers: [RowContainer]) { self.containers = containers }

        /// The next position; nil behind the last.
        public mutating func next() -> Int64? {
            if place == lows.count {
                guard container < containers.count else { return nil }
                start = containers[container].start
                lows = containers[container].lows
                container += 1
                place = 0
            }
            defer { place += 1 }
            return start | Int64(lows[place])
        }
    }

    /// Goes through the positions from the lowest on.
    public func makeIterator() -> Iterator { Iterator(containers) }

    /// How many positions there are.
    public var underestimatedCount: Int { count }
}
