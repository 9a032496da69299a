// SPDX-License-Identifier: Apache-2.0

import Compression

extension DeletionVector {
    /// Takes positions in any order, some of them perhaps more than once.
    ///
    /// - Throws: ``DeletionVectorError/malformed(_:)`` for a position that no row can have.
    public init(positions: some Sequence<Int64>) throws(DeletionVectorError) {
        var ascending: [Int64] = []
        for position in positions.sorted() where position != ascending.last {
            ascending.append(position)
        }
        if let first = ascending.first, first < 0 {
            throw .malformed("it has the position \(first)")
        }
        if let last = ascending.last, last > Self.largestPosition {
            throw .malformed("it has the position \(last), which is too large")
        }
        self.init(ascending: ascending)
    }

    /// The keys of bitmaps are below the largest number of 32 bits with a sign.
    static let largestPosition = Int64(Int32.max) << 32 - 1

    /// The vector as a Puffin file has it.
    public func blob() -> [UInt8] {
        var body = Self.magic
        let bitmaps = Self.divided(positions[...], by: 32)
        body.append(littleEndian: UInt64(bitmaps.count))
        for bitmap in bitmaps {
            body.append(littleEndian: UInt32(truncatingIfNeeded: bitmap.key))
            RoaringWriter(bitmap.positions).write(to: &body)
        }
        let checksum = crc32(body.span.bytes)
        return Self.bigEndianBytes(UInt32(truncatingIfNeeded: body.count)) + body
            + Self.bigEndianBytes(checksum)
    }

    private static func bigEndianBytes(_ value: UInt32) -> [UInt8] {
        (0..<4).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    /// Ascending positions by what is above their lowest bits.
    fileprivate static func divided(
        _ positions: ArraySlice<Int64>, by bits: Int64
    ) -> [(key: Int64, positions: ArraySlice<Int64>)] {
        var parts: [(key: Int64, positions: ArraySlice<Int64>)] = []
        var start = positions.startIndex
        while start < positions.endIndex {
            let key = positions[start] >> bits
            let end = positions[start...].firstIndex { $0 >> bits != key } ?? positions.endIndex
            parts.append((key, positions[start..<end]))
            start = end
        }
        return parts
    }
}

/// Writes a bitmap of 32 bits: containers of 16 bits, each in the shortest of its three forms.
private struct RoaringWriter {
    private enum Container {
        case array(ArraySlice<Int64>)
        case bits(ArraySlice<Int64>)
        case runs([(first: UInt16, more: UInt16)])

        var size: Int {
            switch self {
            case .array(let positions): positions.count * 2
            case .bits: RoaringWriter.bitsSize
            case .runs(let runs): 2 + runs.count * 4
            }
        }
    }

    private static let bitsSize = 8192
    private let parts: [(key: UInt16, count: Int, container: Container)]

    init(_ positions: ArraySlice<Int64>) {
        parts = DeletionVector.divided(positions, by: 16).map {
            (
                key: UInt16(truncatingIfNeeded: $0.key), count: $0.positions.count,
                container: Self.container($0.positions)
            )
        }
    }

    private static func container(_ positions: ArraySlice<Int64>) -> Container {
        let plain: Container =
            positions.count > DeletionVector.largestArray ? .bits(positions) : .array(positions)
        var runs: [(first: UInt16, more: UInt16)] = []
        var last: Int64?
        for position in positions {
            if let before = last, position == before + 1 {
                runs[runs.count - 1].more += 1
            } else {
                runs.append((UInt16(truncatingIfNeeded: position), 0))
                // Longer than the other form already.
                guard 2 + runs.count * 4 < plain.size else { return plain }
            }
            last = position
        }
        return .runs(runs)
    }

    func write(to output: inout [UInt8]) {
        let isRun = parts.map { if case .runs = $0.container { true } else { false } }
        let start = output.count
        if isRun.contains(true) {
            let cookie = DeletionVector.runCookie | (parts.count - 1) << 16
            output.append(littleEndian: UInt32(truncatingIfNeeded: cookie))
            var flags = [UInt8](repeating: 0, count: (parts.count + 7) / 8)
            for index in isRun.indices where isRun[index] { flags[index / 8] |= 1 << (index % 8) }
            output += flags
        } else {
            output.append(littleEndian: UInt32(DeletionVector.plainCookie))
            output.append(littleEndian: UInt32(parts.count))
        }
        for part in parts {
            output.append(littleEndian: part.key)
            output.append(littleEndian: UInt16(truncatingIfNeeded: part.count - 1))
        }
        if !isRun.contains(true) || parts.count >= DeletionVector.offsetThreshold {
            var offset = output.count - start + parts.count * 4
            for part in parts {
                output.append(littleEndian: UInt32(truncatingIfNeeded: offset))
                offset += part.container.size
            }
        }
        for part in parts { Self.write(part.container, to: &output) }
    }

    private static func write(_ container: Container, to output: inout [UInt8]) {
        switch container {
        case .array(let positions):
            for position in positions {
                output.append(littleEndian: UInt16(truncatingIfNeeded: position))
            }
        case .bits(let positions):
            var bits = [UInt8](repeating: 0, count: bitsSize)
            for position in positions {
                let bit = Int(position & 0xFFFF)
                bits[bit / 8] |= 1 << (bit % 8)
            }
            output += bits
        case .runs(let runs):
            output.append(littleEndian: UInt16(truncatingIfNeeded: runs.count))
            for run in runs {
                output.append(littleEndian: run.first)
                output.append(littleEndian: run.more)
            }
        }
    }
}

extension [UInt8] {
    /// Appends a number, lowest byte first.
    mutating func append(littleEndian value: some FixedWidthInteger & UnsignedInteger) {
        for place in 0..<value.bitWidth / 8 {
            append(UInt8(truncatingIfNeeded: value >> (place * 8)))
        }
    }
}
