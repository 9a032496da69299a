// SPDX-License-Identifier: Apache-2.0

/// Bytes that are written from beginning to end, and then read at several places at once: in memory
/// while they are few, in a temporary file when they are not.
public struct ByteSpool {
    private let folder: TemporaryFolder
    private let memoryBytes: Int
    private var bytes: [UInt8] = []
    private var file: TemporaryFile?
    /// How many bytes there are.
    public private(set) var count: Int64 = 0

    /// Keeps at most about this many bytes in memory.
    public init(in folder: TemporaryFolder, memoryBytes: Int) {
        self.folder = folder
        self.memoryBytes = memoryBytes
    }

    /// Adds bytes at the end.
    public mutating func append(_ more: [UInt8]) throws(SortedRunsError) {
        if bytes.count + more.count > memoryBytes { try flush() }
        count += Int64(more.count)
        guard more.count <= memoryBytes else { return try write(more) }
        bytes += more
    }

    /// All bytes, to be read.
    public mutating func finish() throws(SortedRunsError) -> SpooledBytes {
        guard file != nil else { return SpooledBytes(bytes, nil) }
        try flush()
        return SpooledBytes([], file)
    }

    private mutating func flush() throws(SortedRunsError) {
        guard !bytes.isEmpty else { return }
        let full = bytes
        bytes = []
        try write(full)
    }

    private mutating func write(_ bytes: [UInt8]) throws(SortedRunsError) {
        let target: TemporaryFile
        if let file { target = file } else { target = try folder.makeFile() }
        file = target
        try bytes.withRawBytes { (bytes) throws(SortedRunsError) in try target.write(bytes) }
    }
}

/// Bytes of a finished spool.
public final class SpooledBytes: Sendable {
    fileprivate let memory: [UInt8]
    fileprivate let file: TemporaryFile?

    fileprivate init(_ memory: [UInt8], _ file: TemporaryFile?) {
        self.memory = memory
        self.file = file
    }

    /// Whether they are in a temporary file.
    public var isInFile: Bool { file != nil }
}

/// A place in a spool, from which is read on.
public struct SpoolCursor {
    private let source: SpooledBytes
    private let bufferSize: Int
    /// A part of the file from `start` on; unused where all bytes are in memory.
    private var buffer: [UInt8] = []
    private var start: Int64
    /// The next byte, in the buffer or in memory.
    private var place = 0

    /// Begins somewhere, and reads so many bytes of a file at once.
    public init(_ source: SpooledBytes, at start: Int64, bufferSize: Int) {
        self.source = source
        self.bufferSize = max(bufferSize, 1)
        self.start = start
        if source.file == nil { place = Int(start) }
    }

    /// Takes the next bytes.
    ///
    /// - Parameter size: Told some bytes that follow, says how many are to be taken; nil if it
    ///   takes more to tell. Never 0.
    public mutating func take(
        into bytes: inout [UInt8], size: (UnsafeRawBufferPointer) -> Int?
    ) throws(SortedRunsError) {
        guard let file = source.file else {
            let place = place
            let count = source.memory.withUnsafeBytes { memory -> Int in
                let ahead = UnsafeRawBufferPointer(rebasing: memory[place...])
                let count = size(ahead) ?? 0
                precondition(count <= ahead.count, "what was written in memory is all there")
                bytes.append(contentsOf: ahead[..<count])
                return count
            }
            self.place += count
            return
        }
        while true {
            let place = place
            let (taken, wanted) = buffer.withUnsafeBytes { buffer -> (Int, Int) in
                let ahead = UnsafeRawBufferPointer(rebasing: buffer[place...])
                guard let count = size(ahead) else { return (0, 0) }
                guard count <= ahead.count else { return (0, count) }
                bytes.append(contentsOf: ahead[..<count])
                return (count, count)
            }
            self.place += taken
            if taken > 0 { return }
            try fill(from: file, atLeast: wanted)
        }
    }

    /// Reads on; what was not taken stays.
    private mutating func fill(
        from file: TemporaryFile, atLeast wanted: Int
    ) throws(SortedRunsError) {
        let end = start + Int64(buffer.count)
        start += Int64(place)
        buffer.removeSubrange(..<place)
        place = 0
        let kept = buffer.count
        let size = max(bufferSize, wanted, 2 * kept)
        buffer.append(contentsOf: repeatElement(0, count: size - kept))
        let got = try buffer.withUnsafeMutableBufferPointer { (bytes) throws(SortedRunsError) in
            try file.read(
                at: end,
                into: UnsafeMutableRawBufferPointer(
                    UnsafeMutableBufferPointer(rebasing: bytes[kept...])))
        }
        buffer.removeLast(size - kept - got)
        guard got > 0 else { throw file.truncated }
    }
}
