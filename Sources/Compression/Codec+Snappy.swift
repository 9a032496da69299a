// SPDX-License-Identifier: Apache-2.0

import CSnappy

/// How many bytes of checksum follow an Avro Snappy block.
private let checksumSize = 4

extension Codec {
    func unsnap(
        _ input: RawSpan, into output: inout [UInt8], limit: Int
    ) throws(CompressionError) -> Int {
        var count = 0
        let status = input.withUnsafeBytes { source in
            snappy_uncompressed_length(
                source.assumingMemoryBound(to: CChar.self).baseAddress, source.count, &count)
        }
        guard status == SNAPPY_OK else {
            throw .corrupt(self, reason: "it does not state its length")
        }
        guard count <= limit else { throw .tooLarge(self, limit: limit) }
        // A block cannot state more than its elements can produce; asking first keeps a few
        // bytes from claiming the whole limit.
        let isValid = input.withUnsafeBytes { source in
            snappy_validate_compressed_buffer(
                source.assumingMemoryBound(to: CChar.self).baseAddress, source.count) == SNAPPY_OK
        }
        guard isValid else { throw .corrupt(self, reason: "the block does not decode") }
        grow(&output, to: max(count, 1), keeping: 0)
        let result = input.withUnsafeBytes { source in
            output.withUnsafeMutableBytes { target in
                snappy_uncompress(
                    source.assumingMemoryBound(to: CChar.self).baseAddress, source.count,
                    target.assumingMemoryBound(to: CChar.self).baseAddress, &count)
            }
        }
        guard result == SNAPPY_OK else { throw .corrupt(self, reason: "the block does not decode") }
        return count
    }

    func checkedUnsnap(
        _ input: RawSpan, into output: inout [UInt8], limit: Int
    ) throws(CompressionError) -> Int {
        let end = input.byteCount - checksumSize
        guard end >= 0 else { throw .corrupt(self, reason: "there is no room for its checksum") }
        let count = try unsnap(input.extracting(0..<end), into: &output, limit: limit)
        let stored = (0..<checksumSize).reduce(UInt32(0)) { sum, index in
            sum << 8 | UInt32(input.unsafeLoad(fromByteOffset: end + index, as: UInt8.self))
        }
        guard crc32(output.span.bytes.extracting(0..<count)) == stored else {
            throw .corrupt(self, reason: "its checksum does not match")
        }
        return count
    }

    func snap(_ input: [UInt8]) throws(CompressionError) -> [UInt8] {
        var count = snappy_max_compressed_length(input.count)
        var status = SNAPPY_OK
        let output = [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
            status = input.withUnsafeBytes { source in
                snappy_compress(
                    source.assumingMemoryBound(to: CChar.self).baseAddress, source.count,
                    UnsafeMutableRawPointer(target.baseAddress)?.assumingMemoryBound(
                        to: CChar.self),
                    &count)
            }
            initialized = status == SNAPPY_OK ? count : 0
        }
        guard status == SNAPPY_OK else { throw .unavailable(self, reason: "snappy_compress") }
        return output
    }
}

/// The four bytes of a checksum, highest first.
func bigEndianBytes(of value: UInt32) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
}
