// SPDX-License-Identifier: Apache-2.0

import CZstd

/// The working memory of Zstandard, kept from call to call: for many small pieces, making it anew
/// takes longer than compressing.
///
/// It is for one caller at a time, which is why it is not `Sendable`.
public final class ZstandardContext {
    private let compressor: OpaquePointer
    private let decompressor: OpaquePointer

    /// Makes the working memory; the library takes it when it is first needed.
    public init() throws(CompressionError) {
        guard let compressor = ZSTD_createCCtx() else {
            throw .unavailable(.zstandard, reason: "no memory")
        }
        guard let decompressor = ZSTD_createDCtx() else {
            ZSTD_freeCCtx(compressor)
            throw .unavailable(.zstandard, reason: "no memory")
        }
        self.compressor = compressor
        self.decompressor = decompressor
    }

    deinit {
        ZSTD_freeCCtx(compressor)
        ZSTD_freeDCtx(decompressor)
    }

    /// Compresses bytes as one frame behind what `output` holds.
    public func compress(
        _ input: RawSpan, level: Int32, appendingTo output: inout [UInt8]
    ) throws(CompressionError) {
        let bound = ZSTD_compressBound(input.byteCount)
        var result = 0
        output.append(addingCapacity: bound) { target in
            result = input.withUnsafeBytes { source in
                ZSTD_compressCCtx(
                    compressor, target.baseAddress, bound, source.baseAddress, source.count, level)
            }
            return ZSTD_isError(result) == 0 ? result : 0
        }
        guard ZSTD_isError(result) == 0 else {
            throw .unavailable(.zstandard, reason: String(cString: ZSTD_getErrorName(result)))
        }
    }

    /// Decompresses to exactly `size` bytes at the front of `output`, which is grown if it must be.
    ///
    /// - Throws: ``CompressionError/corrupt(_:reason:)`` for anything but that many bytes.
    public func decompress(
        _ input: RawSpan, into output: inout [UInt8], size: Int
    ) throws(CompressionError) {
        Codec.zstandard.grow(&output, to: max(size, 1), keeping: 0)
        let result = input.withUnsafeBytes { source in
            output.withUnsafeMutableBytes { target in
                ZSTD_decompressDCtx(
                    decompressor, target.baseAddress, size, source.baseAddress, source.count)
            }
        }
        guard ZSTD_isError(result) == 0 else {
            throw .corrupt(.zstandard, reason: String(cString: ZSTD_getErrorName(result)))
        }
        guard result == size else {
            throw .corrupt(.zstandard, reason: "it holds \(result) bytes instead of \(size)")
        }
    }
}

extension [UInt8] {
    /// Appends what a body writes into uninitialised room and counts.
    fileprivate mutating func append(
        addingCapacity room: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int
    ) {
        let used = count
        if capacity - used < room {
            // Doubling, as appending does, keeps repeated calls linear.
            reserveCapacity(Swift.max(used + room, capacity * 2))
        }
        append(addingCapacity: room) { span in
            span.withUnsafeMutableBufferPointer { buffer, initialized in
                initialized = body(UnsafeMutableRawBufferPointer(buffer))
            }
        }
    }
}
