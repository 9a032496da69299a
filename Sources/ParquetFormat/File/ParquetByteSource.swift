// SPDX-License-Identifier: Apache-2.0

/// A file whose bytes can be read from anywhere.
public protocol ParquetByteSource: Sendable {
    /// Why bytes may not come.
    associatedtype Failure: Error

    /// The length of the file in bytes.
    var size: Int64 { get }

    /// The bytes of a range that lies within the file: all of them.
    func read(_ range: Range<Int64>) async throws(Failure) -> [UInt8]

    /// Throws if nobody waits for the file any more.
    ///
    /// Asked before each page, as many may be in memory already.
    func check() throws(Failure)
}

extension ParquetByteSource {
    /// By default whatever was begun is ended.
    public func check() throws(Failure) {}
}

/// Where the bytes of a new file go, one after the other.
public protocol ParquetByteSink: SendableMetatype {
    /// Why bytes may not be taken.
    associatedtype Failure: Error

    /// Takes the next bytes.
    mutating func write(_ bytes: [UInt8]) async throws(Failure)
}

/// A file that is in memory as a whole.
public struct ParquetMemorySource: ParquetByteSource {
    private let bytes: [UInt8]

    /// Takes the file.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The length of the file in bytes.
    public var size: Int64 { Int64(bytes.count) }

    /// The bytes of a range, as far as they are there.
    public func read(_ range: Range<Int64>) async -> [UInt8] {
        Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)])
    }
}

/// A file that is collected in memory.
public struct ParquetMemorySink: ParquetByteSink {
    /// What was written so far.
    public private(set) var bytes: [UInt8] = []

    /// Begins with nothing.
    public init() {}

    /// Takes the next bytes.
    public mutating func write(_ bytes: [UInt8]) async { self.bytes += bytes }
}
