// SPDX-License-Identifier: Apache-2.0

/// Sorts any number of records in a limited amount of memory.
///
/// 1. Records are collected in memory until they fill their budget.
/// 2. Full, they are sorted and written to a temporary file: a run.
/// 3. In the end the runs are merged, a limited number at once; what fitted is never written.
///
/// Records that are equal stay all of them. The order is that of the bytes of keys, then of values.
public struct RecordSorter: Sendable {
    /// The smallest budget that makes sense; a smaller one counts as this.
    public static let smallestBudget = 64 * 1024
    /// The most bytes of a key, or of a value.
    public static let longestPart = Record.longest
    /// The most runs that are merged at once, each through a buffer of its own.
    static let maxFanIn = 32

    private let folder: TemporaryFolder
    private let byteBudget: Int
    private let startBudget: Int
    private var bytes: [UInt8] = []
    private var starts: [Int] = []
    private var runs: [TemporaryFile] = []
    /// How many records were added.
    public private(set) var count = 0

    /// Keeps at most this many bytes of records in memory.
    public init(in folder: TemporaryFolder, memoryBytes: Int) {
        self.folder = folder
        let budget = max(memoryBytes, Self.smallestBudget)
        startBudget = budget / 8 / MemoryLayout<Int>.stride
        byteBudget = budget - budget / 8
    }

    /// How many runs were written so far.
    public var runCount: Int { runs.count }

    /// Adds a record.
    public mutating func append(
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    ) throws(SortedRunsError) {
        let size = Record.headerSize + key.count + value.count
        if !starts.isEmpty, bytes.count + size > byteBudget || starts.count == startBudget {
            try spill()
        }
        if bytes.capacity == 0 {
            // Reserved at once: growing by doubling would take twice the budget.
            bytes.reserveCapacity(byteBudget)
            starts.reserveCapacity(startBudget)
        }
        starts.append(bytes.count)
        Record.append(key: key, value: value, to: &bytes)
        count += 1
    }

    /// Adds a record.
    public mutating func append(key: [UInt8], value: [UInt8]) throws(SortedRunsError) {
        try key.withRawBytes { (key) throws(SortedRunsError) in
            try value.withRawBytes { (value) throws(SortedRunsError) in
                try append(key: key, value: value)
            }
        }
    }

    /// All records in order; this begins anew, empty.
    public mutating func finish() throws(SortedRunsError) -> SortedRecords {
        defer {
            bytes = []
            starts = []
            runs = []
            count = 0
        }
        guard !runs.isEmpty else {
            sort()
            return SortedRecords(memory: bytes, starts: starts)
        }
        if !starts.isEmpty { try spill() }
        bytes = []
        starts = []
        while try mergeRuns() {}
        return try SortedRecords(runs: runs)
    }

    /// Merges some runs into one, where they are more than are merged at once; false where they are
    /// not.
    ///
    /// ``finish()`` does the same: this is for callers that want to do something in between.
    public mutating func mergeRuns() throws(SortedRunsError) -> Bool {
        guard runs.count > Self.maxFanIn else { return false }
        let merged = try Self.write(
            SortedRecords(runs: Array(runs.prefix(Self.maxFanIn))), to: folder.makeFile())
        runs.removeFirst(Self.maxFanIn)
        runs.append(merged)
        return true
    }

    private mutating func sort() {
        bytes.withUnsafeBytes { buffer in
            starts.sort { Record.isOrdered($0, in: buffer, before: $1, in: buffer) }
        }
    }

    private mutating func spill() throws(SortedRunsError) {
        sort()
        var writer = RunWriter(try folder.makeFile())
        try bytes.withRawBytes { (buffer) throws(SortedRunsError) in
            for start in starts {
                let end = start + Record.size(at: start, in: buffer)
                try writer.write(UnsafeRawBufferPointer(rebasing: buffer[start..<end]))
            }
        }
        runs.append(try writer.finish())
        bytes.removeAll(keepingCapacity: true)
        starts.removeAll(keepingCapacity: true)
    }

    private static func write(
        _ records: SortedRecords, to file: TemporaryFile
    ) throws(SortedRunsError) -> TemporaryFile {
        var writer = RunWriter(file)
        var record: [UInt8] = []
        while try records.advance() {
            record.removeAll(keepingCapacity: true)
            records.withCurrent { Record.append(key: $0, value: $1, to: &record) }
            try record.withRawBytes { (bytes) throws(SortedRunsError) in
                try writer.write(bytes)
            }
        }
        return try writer.finish()
    }
}

/// Writes records to a run through a buffer.
struct RunWriter {
    private static let bufferSize = 256 * 1024

    private let file: TemporaryFile
    private var buffer: [UInt8] = []

    init(_ file: TemporaryFile) {
        self.file = file
        buffer.reserveCapacity(Self.bufferSize)
    }

    mutating func write(_ record: UnsafeRawBufferPointer) throws(SortedRunsError) {
        if buffer.count + record.count > Self.bufferSize { try flush() }
        buffer.append(contentsOf: record)
    }

    mutating func finish() throws(SortedRunsError) -> TemporaryFile {
        try flush()
        return file
    }

    private mutating func flush() throws(SortedRunsError) {
        try buffer.withRawBytes { (bytes) throws(SortedRunsError) in try file.write(bytes) }
        buffer.removeAll(keepingCapacity: true)
    }
}
