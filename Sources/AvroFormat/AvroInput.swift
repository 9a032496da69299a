// SPDX-License-Identifier: Apache-2.0

/// The bytes of a file from where reading stands, as far as they were needed.
struct AvroInput<Source: AvroByteSource> {
    private var source: Source
    private var bytes: [UInt8] = []
    /// How many of the bytes are done with.
    private var start = 0
    /// Where in the file reading stands.
    private(set) var offset: Int64 = 0

    init(_ source: Source) { self.source = source }

    /// How many bytes are at hand.
    var available: Int { bytes.count - start }

    /// How many bytes are held, those that are done with among them.
    var held: Int { bytes.count }

    /// Brings bytes until this many are at hand; false if the file ends before.
    mutating func fill(_ count: Int) async throws(AvroReadError<Source.Failure>) -> Bool {
        while available < count {
            let chunk: [UInt8]?
            do { chunk = try await source.next() } catch { throw .source(error) }
            guard let chunk else { return false }
            if available == 0 {
                bytes = chunk
            } else {
                bytes.removeFirst(start)
                bytes.append(contentsOf: chunk)
            }
            start = 0
        }
        return true
    }

    /// Is done with bytes that are at hand.
    mutating func consume(_ count: Int) {
        precondition(count <= available, "only bytes at hand can be consumed")
        start += count
        offset += Int64(count)
    }

    /// Lends the bytes at hand.
    func withBytes<Value, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try bytes.withUnsafeBufferPointer { (all) throws(Failure) in
            try body(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: all[start...])))
        }
    }

    /// Lends a range of the bytes at hand.
    func withSpan<Value, Failure: Error>(
        of range: Range<Int>, _ body: (RawSpan) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let whole = (start + range.lowerBound)..<(start + range.upperBound)
        return try body(bytes.span.bytes.extracting(whole))
    }

    /// The place of a byte counted from where reading stands.
    func position(at index: Int = 0) -> AvroPosition {
        AvroPosition(fileOffset: offset + Int64(index))
    }
}
