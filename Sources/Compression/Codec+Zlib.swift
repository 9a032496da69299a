// SPDX-License-Identifier: Apache-2.0

import CZlib

/// The window of zlib that every stream may use; 16 more asks for gzip, a negative one for raw.
private let windowBits: Int32 = 15

/// How many bytes may follow raw deflate: zlib's checksum has four, of which fastavro and PyIceberg
/// leave three when they strip the wrapper.
private let toleratedTrailer = 4

extension Codec {
    private var zlibWindow: Int32 { self == .gzip ? windowBits + 16 : -windowBits }

    /// The output is grown step by step, so that a small input cannot ask for much memory.
    func inflate(
        _ input: RawSpan, into output: inout [UInt8], limit: Int
    ) throws(CompressionError) -> Int {
        var stream = z_stream()
        guard
            inflateInit2_(
                &stream, zlibWindow, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { throw .unavailable(self, reason: "inflateInit2") }
        defer { inflateEnd(&stream) }
        var position = 0
        var used = 0
        grow(
            &output, to: min(limit, max(1024, input.byteCount.multipliedSaturating(by: 4))),
            keeping: 0)
        while true {
            let step = inflateStep(
                &stream, input.extracting(position..<input.byteCount), &output, from: used,
                limit: limit)
            position += step.consumed
            used += step.produced
            // The one byte past the limit went to a spill-over: it proves that there is more.
            guard used <= limit else { throw .tooLarge(self, limit: limit) }
            switch step.status {
            case Z_STREAM_END:
                if position == input.byteCount { return used }
                guard self == .gzip else {
                    let rest = input.byteCount - position
                    guard rest <= toleratedTrailer else {
                        throw .corrupt(self, reason: "\(rest) bytes follow the end")
                    }
                    return used
                }
                inflateReset(&stream)
            case Z_OK, Z_BUF_ERROR:
                // Without progress although there was room, the input is what ran out.
                guard step.consumed > 0 || step.produced > 0 else {
                    throw .corrupt(self, reason: "it ends before its end mark")
                }
                if used == output.count, used < limit {
                    grow(&output, to: min(limit, used.multipliedSaturating(by: 2)), keeping: used)
                }
            case Z_MEM_ERROR: throw .unavailable(self, reason: "no memory")
            default:
                let reason = stream.msg.map { String(cString: $0) } ?? "zlib status \(step.status)"
                throw .corrupt(self, reason: reason)
            }
        }
    }

    private func inflateStep(
        _ stream: inout z_stream, _ input: RawSpan, _ output: inout [UInt8], from used: Int,
        limit: Int
    ) -> (status: Int32, consumed: Int, produced: Int) {
        let room = min(output.count, limit) - used
        var spill: UInt8 = 0
        return input.withUnsafeBytes { source in
            // Zlib counts in 32 bits; a longer input is fed in parts.
            let feed = min(source.count, Int(Int32.max))
            stream.next_in = UnsafeMutablePointer(
                mutating: source.assumingMemoryBound(to: UInt8.self).baseAddress)
            stream.avail_in = UInt32(feed)
            func run(_ target: UnsafeMutablePointer<UInt8>?, _ count: Int) -> (Int32, Int, Int) {
                stream.next_out = target
                stream.avail_out = UInt32(count)
                let status = CZlib.inflate(&stream, Z_NO_FLUSH)
                return (status, feed - Int(stream.avail_in), count - Int(stream.avail_out))
            }
            guard room > 0 else { return withUnsafeMutablePointer(to: &spill) { run($0, 1) } }
            return output.withUnsafeMutableBufferPointer { buffer in
                run(buffer.baseAddress?.advanced(by: used), min(room, Int(Int32.max)))
            }
        }
    }

    func deflate(_ input: [UInt8]) throws(CompressionError) -> [UInt8] {
        var stream = z_stream()
        guard
            deflateInit2_(
                &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, zlibWindow, 8, Z_DEFAULT_STRATEGY,
                ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { throw .unavailable(self, reason: "deflateInit2") }
        defer { deflateEnd(&stream) }
        // The bound fits the whole result, so that one call finishes it.
        let bound = Int(deflateBound(&stream, UInt(input.count)))
        guard input.count <= Int(Int32.max), bound <= Int(Int32.max) else {
            throw .tooLarge(self, limit: Int(Int32.max))
        }
        var status = Z_OK
        let output = [UInt8](unsafeUninitializedCapacity: bound) { target, count in
            status = input.withUnsafeBufferPointer { source in
                stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                stream.avail_in = UInt32(source.count)
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(bound)
                return CZlib.deflate(&stream, Z_FINISH)
            }
            count = bound - Int(stream.avail_out)
        }
        guard status == Z_STREAM_END else {
            throw .unavailable(self, reason: "zlib status \(status)")
        }
        return output
    }
}

/// The CRC-32 of bytes as zlib, gzip, Avro's Snappy and Parquet's pages count it.
public func crc32(_ input: RawSpan) -> UInt32 {
    input.withUnsafeBytes { bytes in
        let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress
        return UInt32(truncatingIfNeeded: crc32_z(0, start, bytes.count))
    }
}

extension Int {
    fileprivate func multipliedSaturating(by factor: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}
