// SPDX-License-Identifier: Apache-2.0

/// Where the bytes of a file come from, piece by piece and in order.
public protocol AvroByteSource {
    /// Why bytes may not come.
    associatedtype Failure: Error

    /// The next bytes of the file, never empty; nil at its end, then and ever after.
    mutating func next() async throws(Failure) -> [UInt8]?
}

/// A file that is in memory as a whole.
public struct AvroMemorySource: AvroByteSource {
    private var bytes: [UInt8]?

    /// Takes the file.
    public init(_ bytes: [UInt8]) { self.bytes = bytes.isEmpty ? nil : bytes }

    /// The whole file once.
    public mutating func next() async -> [UInt8]? {
        defer { bytes = nil }
        return bytes
    }
}
