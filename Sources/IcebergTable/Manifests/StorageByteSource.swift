// SPDX-License-Identifier: Apache-2.0

import AvroFormat
package import ObjectStorage

/// Brings an object piece by piece with ranged reads.
package struct StorageByteSource<Storage: RangeReading>: AvroByteSource {
    /// How many bytes are asked for at once.
    ///
    /// Manifests are some kilobytes mostly, and eight megabytes when full.
    static var chunkSize: Int64 { 1 << 20 }

    private let location: Location
    private let storage: Storage
    private let expectedLength: Int64?
    private var offset: Int64 = 0
    private var isAtEnd = false

    /// - Parameter expectedLength: How long somebody says that the object is.
    package init(_ location: Location, in storage: Storage, expectedLength: Int64?) {
        self.location = location
        self.storage = storage
        self.expectedLength = expectedLength
    }

    /// The next piece, or nil at the end.
    package mutating func next() async throws(StorageError) -> [UInt8]? {
        guard !isAtEnd else { return nil }
        let count = min(Self.chunkSize, expectedRest)
        let bytes = try await storage.read(location, range: offset..<(offset + count))
        isAtEnd = bytes.count < Int(count)
        offset += Int64(bytes.count)
        return bytes.isEmpty ? nil : bytes
    }

    /// What should be left and one byte more: a short answer then shows the end without another
    /// request.
    ///
    /// A length that proves wrong counts no longer.
    private var expectedRest: Int64 {
        guard let expectedLength, expectedLength >= offset, expectedLength < .max else {
            return Self.chunkSize
        }
        return expectedLength - offset + 1
    }
}
