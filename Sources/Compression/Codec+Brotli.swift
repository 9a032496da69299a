// SPDX-License-Identifier: Apache-2.0

import CBrotli

extension Codec {
    /// Decompresses in steps, each with twice the room of the last, so that a small input cannot
    /// ask for much memory.
    func unbrotli(
        _ input: RawSpan, into output: inout [UInt8], limit: Int
    ) throws(CompressionError) -> Int {
        guard let state = BrotliDecoderCreateInstance(nil, nil, nil) else {
            throw .unavailable(self, reason: "no memory")
        }
        defer { BrotliDecoderDestroyInstance(state) }
        let guess = input.byteCount.multipliedReportingOverflow(by: 4)
        // One byte more than the limit tells a full buffer from a longer result.
        let most = limit == .max ? limit : limit + 1
        grow(
            &output, to: min(most, max(1024, guess.overflow ? most : guess.partialValue)),
            keeping: 0)
        var consumed = 0
        var used = 0
        while true {
            let step = input.withUnsafeBytes { source in
                output.withUnsafeMutableBytes { target in
                    var next = source.assumingMemoryBound(to: UInt8.self).baseAddress?
                        .advanced(by: consumed)
                    var available = source.count - consumed
                    var place = target.assumingMemoryBound(to: UInt8.self).baseAddress?
                        .advanced(by: used)
                    var room = min(target.count, most) - used
                    let status = BrotliDecoderDecompressStream(
                        state, &available, &next, &room, &place, nil)
                    return (status, source.count - available, min(target.count, most) - room)
                }
            }
            (consumed, used) = (step.1, step.2)
            guard used <= limit else { throw .tooLarge(self, limit: limit) }
            switch step.0 {
            case BROTLI_DECODER_RESULT_SUCCESS:
                guard consumed == input.byteCount else {
                    throw .corrupt(
                        self, reason: "\(input.byteCount - consumed) bytes follow the end")
                }
                return used
            case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT:
                let (double, overflow) = output.count.multipliedReportingOverflow(by: 2)
                grow(&output, to: min(most, overflow ? most : double), keeping: used)
            case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:
                throw .corrupt(self, reason: "it ends before its end mark")
            default: throw .corrupt(self, reason: "the stream does not decode")
            }
        }
    }

    func brotli(_ input: [UInt8]) throws(CompressionError) -> [UInt8] {
        // As parquet-java and Arrow: quality 1 costs little and 11 costs far too much.
        let quality: Int32 = 1
        let bound = max(BrotliEncoderMaxCompressedSize(input.count), 16)
        var isDone = false
        let output = [UInt8](unsafeUninitializedCapacity: bound) { target, count in
            count = bound
            isDone = input.withUnsafeBufferPointer { source in
                BrotliEncoderCompress(
                    quality, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, source.count,
                    source.baseAddress, &count, target.baseAddress) == BROTLI_TRUE
            }
            if !isDone { count = 0 }
        }
        guard isDone else { throw .unavailable(self, reason: "BrotliEncoderCompress") }
        return output
    }
}
