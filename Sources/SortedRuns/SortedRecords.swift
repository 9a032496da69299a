// SPDX-License-Identifier: Apache-2.0

/// Records in order, one at a time.
///
/// A class, because a merge is a place in many files; used by one caller at a time.
///
/// Invariant: `heap` holds the sources that have a record, least first in heap order.
public final class SortedRecords {
    private var sources: [Source]
    private var heap: [Int] = []
    private var hasBegun = false

    init(memory bytes: [UInt8], starts: [Int]) {
        sources = [.memory(MemorySource(bytes: bytes, starts: starts))]
    }

    init(runs: [TemporaryFile]) throws(SortedRunsError) {
        sources = runs.map { .run(RunSource($0)) }
    }

    /// Goes to the next record; false at the end.
    public func advance() throws(SortedRunsError) -> Bool {
        if hasBegun {
            guard let top = heap.first else { return false }
            if try sources[top].advance() {
                siftDown(from: 0)
            } else {
                let last = heap.removeLast()
                if !heap.isEmpty {
                    heap[0] = last
                    siftDown(from: 0)
                }
            }
        } else {
            hasBegun = true
            for index in sources.indices where try sources[index].advance() { heap.append(index) }
            for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) {
                siftDown(from: index)
            }
        }
        return !heap.isEmpty
    }

    /// Calls back with the key and the value of the record that ``advance()`` went to.
    public func withCurrent<Result>(
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Result
    ) -> Result {
        precondition(!heap.isEmpty, "there is a record only after advance() said so")
        return sources[heap[0]].withRecord { start, bytes in
            body(Record.key(at: start, in: bytes), Record.value(at: start, in: bytes))
        }
    }

    private func siftDown(from start: Int) {
        var index = start
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count {
                if isOrdered(heap[child], before: heap[least]) { least = child }
            }
            guard least != index else { return }
            heap.swapAt(index, least)
            index = least
        }
    }

    private func isOrdered(_ left: Int, before right: Int) -> Bool {
        sources[left].withRecord { leftStart, leftBytes in
            sources[right].withRecord { rightStart, rightBytes in
                Record.isOrdered(leftStart, in: leftBytes, before: rightStart, in: rightBytes)
            }
        }
    }
}

/// Where records come from in order.
private enum Source {
    case memory(MemorySource)
    case run(RunSource)

    func advance() throws(SortedRunsError) -> Bool {
        switch self {
        case .memory(let source): source.advance()
        case .run(let source): try source.advance()
        }
    }

    func withRecord<Result>(_ body: (Int, UnsafeRawBufferPointer) -> Result) -> Result {
        switch self {
        case .memory(let source): source.bytes.withUnsafeBytes { body(source.start, $0) }
        case .run(let source): source.buffer.withUnsafeBytes { body(source.start, $0) }
        }
    }
}

/// Records that fitted into memory.
private final class MemorySource {
    let bytes: [UInt8]
    private let starts: [Int]
    private var next = 0

    init(bytes: [UInt8], starts: [Int]) {
        self.bytes = bytes
        self.starts = starts
    }

    var start: Int { starts[next - 1] }

    func advance() -> Bool {
        guard next < starts.count else { return false }
        next += 1
        return true
    }
}

/// A run, read through a buffer that always holds the whole current record.
private final class RunSource {
    private static let bufferSize = 64 * 1024

    private let file: TemporaryFile
    private(set) var buffer: [UInt8] = []
    private(set) var start = 0
    private var end = 0
    private var offset: Int64 = 0

    init(_ file: TemporaryFile) { self.file = file }

    func advance() throws(SortedRunsError) -> Bool {
        start = end
        guard try has(Record.headerSize) else {
            guard start == buffer.count else { throw file.truncated }
            return false
        }
        let start = start
        let size = buffer.withUnsafeBytes { Record.size(at: start, in: $0) }
        guard try has(size) else { throw file.truncated }
        end = self.start + size
        return true
    }

    /// Reads on until this many bytes of the record are there.
    private func has(_ count: Int) throws(SortedRunsError) -> Bool {
        guard buffer.count - start < count else { return true }
        buffer.removeSubrange(..<start)
        start = 0
        end = 0
        let kept = buffer.count
        let wanted = max(Self.bufferSize, count)
        buffer.append(contentsOf: repeatElement(0, count: wanted - kept))
        let place = offset
        let got = try buffer.withUnsafeMutableBufferPointer { (bytes) throws(SortedRunsError) in
            try file.read(
                at: place,
                into: UnsafeMutableRawBufferPointer(
                    UnsafeMutableBufferPointer(rebasing: bytes[kept...])))
        }
        offset += Int64(got)
        buffer.removeLast(wanted - kept - got)
        return buffer.count >= count
    }
}
