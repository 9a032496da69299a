// SPDX-License-Identifier: Apache-2.0

import CZstd

extension Codec {
    /// Decompresses in one call, again with twice the room while it says that there is too little.
    ///
    /// Streaming would let a frame of twenty bytes ask for a window of 128 MiB; a single call
    /// needs no window, and the frames that writers make state their size, so it seldom repeats.
    func unzstd(
        _ input: RawSpan, into output: inout [UInt8], limit: Int
    ) throws(CompressionError) -> Int {
        var room = min(limit, try firstGuess(for: input, limit: limit))
        while true {
            grow(&output, to: max(room, 1), keeping: 0)
            let result = input.withUnsafeBytes { source in
                output.withUnsafeMutableBytes { target in
                    ZSTD_decompress(target.baseAddress, room, source.baseAddress, source.count)
                }
            }
            guard ZSTD_isError(result) != 0 else { return result }
            switch ZSTD_getErrorCode(result) {
            case ZSTD_error_dstSize_tooSmall where room < limit:
                room = room > limit / 2 ? limit : room * 2
            case ZSTD_error_dstSize_tooSmall: throw .tooLarge(self, limit: limit)
            case ZSTD_error_memory_allocation: throw .unavailable(self, reason: "no memory")
            default: throw .corrupt(self, reason: String(cString: ZSTD_getErrorName(result)))
            }
        }
    }

    /// The size that the first frame states, or a multiple of the input's if it states none.
    private func firstGuess(for input: RawSpan, limit: Int) throws(CompressionError) -> Int {
        // An empty input is no frame at all, although the library takes it for zero frames.
        guard input.byteCount > 0 else { throw .corrupt(self, reason: "it is empty") }
        let stated = input.withUnsafeBytes { ZSTD_getFrameContentSize($0.baseAddress, $0.count) }
        let leastGuess = 1024
        switch stated {
        case UInt64.max - 1: throw .corrupt(self, reason: "it does not begin with a frame")
        case UInt64.max:
            return max(leastGuess, input.byteCount > limit / 4 ? limit : input.byteCount * 4)
        default:
            guard stated <= UInt64(limit) else { throw .tooLarge(self, limit: limit) }
            return Int(stated)
        }
    }

    func zstd(_ input: [UInt8]) throws(CompressionError) -> [UInt8] {
        let bound = ZSTD_compressBound(input.count)
        var result = 0
        let output = [UInt8](unsafeUninitializedCapacity: bound) { target, count in
            result = input.withUnsafeBytes { source in
                ZSTD_compress(
                    target.baseAddress, bound, source.baseAddress, source.count, ZSTD_CLEVEL_DEFAULT
                )
            }
            count = ZSTD_isError(result) == 0 ? result : 0
        }
        guard ZSTD_isError(result) == 0 else {
            throw .unavailable(self, reason: String(cString: ZSTD_getErrorName(result)))
        }
        return output
    }
}
