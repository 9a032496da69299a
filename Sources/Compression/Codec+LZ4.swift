// SPDX-License-Identifier: Apache-2.0

import CLZ4

/// No LZ4 block grows by more than this factor.
private let maximumGrowth = 255

extension Codec {
    /// A raw block states no length, so room is made for as much as its bytes could become.
    func unlz4(
        _ input: RawSpan, into output: inout [UInt8], limit: Int
    ) throws(CompressionError) -> Int {
        guard input.byteCount > 0, input.byteCount <= Int(Int32.max) else {
            throw .corrupt(self, reason: "a block cannot have \(input.byteCount) bytes")
        }
        let largest = input.byteCount.multipliedReportingOverflow(by: maximumGrowth)
        // One byte at least, so that there is an address to hand over.
        let most = max(limit, 1)
        let room = min(most, largest.overflow ? .max : largest.partialValue, Int(Int32.max))
        grow(&output, to: room, keeping: 0)
        let count = run(input, into: &output) { source, target in
            LZ4_decompress_safe(source, target, Int32(input.byteCount), Int32(room))
        }
        if count >= 0 {
            guard count <= limit else { throw .tooLarge(self, limit: limit) }
            return Int(count)
        }
        guard room == most else {
            throw .corrupt(self, reason: "the block does not decode")
        }
        // The library does not tell a damaged block from a full buffer: what decodes up to the
        // limit is larger than it.
        let partial = run(input, into: &output) { source, target in
            LZ4_decompress_safe_partial(
                source, target, Int32(input.byteCount), Int32(room), Int32(room))
        }
        guard partial == Int32(room) else {
            throw .corrupt(self, reason: "the block does not decode")
        }
        throw .tooLarge(self, limit: limit)
    }

    private func run(
        _ input: RawSpan, into output: inout [UInt8],
        _ body: (UnsafePointer<CChar>?, UnsafeMutablePointer<CChar>?) -> Int32
    ) -> Int32 {
        input.withUnsafeBytes { source in
            output.withUnsafeMutableBytes { target in
                body(
                    source.assumingMemoryBound(to: CChar.self).baseAddress,
                    target.assumingMemoryBound(to: CChar.self).baseAddress)
            }
        }
    }

    func lz4(_ input: [UInt8]) throws(CompressionError) -> [UInt8] {
        guard input.count <= Int(LZ4_MAX_INPUT_SIZE) else {
            throw .tooLarge(self, limit: Int(LZ4_MAX_INPUT_SIZE))
        }
        let bound = LZ4_compressBound(Int32(input.count))
        let output = [UInt8](unsafeUninitializedCapacity: Int(bound)) { target, count in
            count = input.withUnsafeBytes { source in
                let written = LZ4_compress_default(
                    source.assumingMemoryBound(to: CChar.self).baseAddress,
                    UnsafeMutableRawPointer(target.baseAddress)?.assumingMemoryBound(
                        to: CChar.self), Int32(source.count), bound)
                return Int(max(0, written))
            }
        }
        guard !output.isEmpty else { throw .unavailable(self, reason: "LZ4_compress_default") }
        return output
    }
}
