// SPDX-License-Identifier: Apache-2.0

/// A compact set of locations, each with a number of its own: 0, 1, 2, … in the order they came.
///
/// Made for millions of paths: their bytes lie end to end in chunks, an entry costs 16 bytes beside
/// them and a slot of the hash table 4, and nothing is a `String` until somebody asks. Two paths
/// are one if they may mean the same file, see ``FileIdentity``; the spelling that came first is
/// the one that is kept. It never shrinks.
///
/// Invariants: `slots.count` is a power of two and more than 4/3 of `entries.count`; a slot holds
/// an entry's number plus one, or 0.
public struct PathSet: Sendable {
    private struct Entry {
        var chunk: UInt32
        var offset: UInt32
        var length: UInt32
        /// The upper half of the hash, so that growing does not read the paths again.
        var hash: UInt32
    }

    private var chunks: [[UInt8]] = []
    private var entries: [Entry] = []
    private var slots: [UInt32]
    private let seed: UInt64
    private let limit: Int

    /// The bytes of a chunk; a longer path gets one of its own.
    static let chunkSize = 256 * 1024
    /// The longest path; object stores stop at a few kilobytes.
    public static let maxPathLength = 1 << 20
    private static let firstSlotCount = 64

    /// How many bytes the set holds, spare room included.
    public private(set) var byteCount: Int

    /// An empty set that may grow to this many bytes.
    public init(limit: Int) {
        self.limit = limit
        slots = [UInt32](repeating: 0, count: Self.firstSlotCount)
        byteCount = Self.firstSlotCount * MemoryLayout<UInt32>.stride
        // Whoever names files must not be able to make them all collide.
        seed = UInt64.random(in: .min ... .max)
    }

    /// How many paths there are.
    public var count: Int { entries.count }

    /// Whether there are none.
    public var isEmpty: Bool { entries.isEmpty }

    /// Adds a path, or finds it.
    ///
    /// - Throws: ``PathSetFull`` when the set would grow beyond its limit; it is then as before.
    @discardableResult
    public mutating func insert(
        _ path: UnsafeRawBufferPointer
    ) throws(PathSetFull) -> (inserted: Bool, index: Int) {
        guard path.count <= Self.maxPathLength, entries.count < Int(UInt32.max) - 1 else {
            throw PathSetFull(limit: limit, count: count)
        }
        let identity = FileIdentity(path)
        let hash = hash(of: identity)
        if let index = find(identity, hash: hash) { return (false, index) }
        try grow()
        let place = try store(path)
        entries.append(
            Entry(
                chunk: UInt32(chunks.count - 1), offset: UInt32(place), length: UInt32(path.count),
                hash: UInt32(truncatingIfNeeded: hash >> 32)))
        occupy(hash: hash >> 32, with: UInt32(entries.count))
        return (true, entries.count - 1)
    }

    /// Adds a path, or finds it.
    @discardableResult
    public mutating func insert(
        _ path: String
    ) throws(PathSetFull) -> (inserted: Bool, index: Int) {
        var path = path
        let outcome: Result<(Bool, Int), PathSetFull> = path.withUTF8 { utf8 in
            do throws(PathSetFull) {
                return .success(try insert(UnsafeRawBufferPointer(utf8)))
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    /// The number of a path, or nil if it is not there.
    public func index(of path: UnsafeRawBufferPointer) -> Int? {
        guard !entries.isEmpty else { return nil }
        let identity = FileIdentity(path)
        return find(identity, hash: hash(of: identity))
    }

    /// The number of a path, or nil if it is not there.
    public func index(of path: String) -> Int? {
        var path = path
        return path.withUTF8 { index(of: UnsafeRawBufferPointer($0)) }
    }

    /// The path with this number.
    public subscript(index: Int) -> String {
        let entry = entries[index]
        let start = Int(entry.offset)
        return String(
            decoding: chunks[Int(entry.chunk)][start..<start + Int(entry.length)], as: UTF8.self)
    }
}

extension PathSet {
    /// Calls back with the bytes of the path with this number.
    func withPath<Result>(at index: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let entry = entries[index]
        let start = Int(entry.offset)
        return chunks[Int(entry.chunk)].withUnsafeBytes {
            body(UnsafeRawBufferPointer(rebasing: $0[start..<start + Int(entry.length)]))
        }
    }
}

// MARK: Storage

extension PathSet {
    /// Where a path begins in the last chunk, after copying it there.
    private mutating func store(_ path: UnsafeRawBufferPointer) throws(PathSetFull) -> Int {
        let last = chunks.count - 1
        // Measured through the index: a chunk in a variable of its own would be shared, and the
        // append would copy all of it.
        if last >= 0, chunks[last].count + path.count <= Self.chunkSize {
            let start = chunks[last].count
            chunks[last].append(contentsOf: path)
            return start
        }
        let size = max(Self.chunkSize, path.count)
        try account(for: size)
        var chunk: [UInt8] = []
        chunk.reserveCapacity(size)
        chunk.append(contentsOf: path)
        chunks.append(chunk)
        return 0
    }

    /// Makes room for one more entry and its slot.
    private mutating func grow() throws(PathSetFull) {
        if entries.count == entries.capacity {
            let wanted = max(64, entries.count * 2)
            try account(for: (wanted - entries.capacity) * MemoryLayout<Entry>.stride)
            entries.reserveCapacity(wanted)
        }
        guard (entries.count + 1) * 4 > slots.count * 3 else { return }
        try account(for: slots.count * MemoryLayout<UInt32>.stride)
        slots = [UInt32](repeating: 0, count: slots.count * 2)
        for (index, entry) in entries.enumerated() {
            occupy(hash: UInt64(entry.hash), with: UInt32(index + 1))
        }
    }

    private mutating func account(for bytes: Int) throws(PathSetFull) {
        guard byteCount + bytes <= limit else { throw PathSetFull(limit: limit, count: count) }
        byteCount += bytes
    }
}

// MARK: Hashing

extension PathSet {
    private mutating func occupy(hash: UInt64, with number: UInt32) {
        var slot = Int(hash) & (slots.count - 1)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = number
    }

    private func find(_ identity: FileIdentity, hash: UInt64) -> Int? {
        let tag = UInt32(truncatingIfNeeded: hash >> 32)
        var slot = Int(tag) & (slots.count - 1)
        while slots[slot] != 0 {
            let index = Int(slots[slot] - 1)
            if entries[index].hash == tag, equals(entries[index], identity) { return index }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    private func equals(_ entry: Entry, _ identity: FileIdentity) -> Bool {
        let start = Int(entry.offset)
        return chunks[Int(entry.chunk)].withUnsafeBytes { chunk in
            let path = chunk[start..<start + Int(entry.length)]
            return FileIdentity(UnsafeRawBufferPointer(rebasing: path)) == identity
        }
    }

    private func hash(of identity: FileIdentity) -> UInt64 {
        identity.withBytes { hash(of: $0, seed: seed ^ identity.seed) }
    }

    /// Eight bytes at a time, each folded in with a full multiplication.
    private func hash(of path: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
        var state = seed ^ UInt64(path.count)
        var offset = 0
        while offset + 8 <= path.count {
            let word = path.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            state = Self.fold(state ^ word)
            offset += 8
        }
        var tail: UInt64 = 0
        while offset < path.count {
            tail = tail << 8 | UInt64(path[offset])
            offset += 1
        }
        return Self.fold(Self.fold(state ^ tail))
    }

    @inline(__always)
    private static func fold(_ value: UInt64) -> UInt64 {
        let product = (value | 1).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low ^ value
    }
}

/// A set of paths would need more memory than it may have.
public struct PathSetFull: Error, Hashable, Sendable {
    /// The limit in bytes.
    public let limit: Int
    /// How many paths fitted.
    public let count: Int
}
