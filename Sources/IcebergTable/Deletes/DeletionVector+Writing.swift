// SPDX-License-Identifier: Apache-2.0

import Compression
public import RowSets

extension DeletionVector {
    /// Takes the positions of deleted rows.
    ///
    /// - Throws: ``DeletionVectorError/malformed(_:)`` for a position that no row can have.
    public init(positions: RowPositions) throws(DeletionVectorError) {
        if let first = positions.first, first < 0 {
            throw .malformed("it has the position \(first)")
        }
        if let last = positions.last, last > Self.largestPosition {
            throw .malformed("it has the position \(last), which is too large")
        }
        self.positions = positions
    }

    /// The keys of bitmaps are below the largest number of 32 bits with a sign.
    static let largestPosition = Int64(Int32.max) << 32 - 1

    /// The vector as a Puffin file has it.
    public func blob() -> [UInt8] {
        var body = Self.magic
        let bitmaps = Self.bitmaps(positions.containers)
        body.append(littleEndian: UInt64(bitmaps.count))
        for bitmap in bitmaps {
            body.append(littleEndian: UInt32(truncatingIfNeeded: bitmap.key))
            RoaringWriter(bitmap.containers).write(to: &body)
        }
        let checksum = crc32(body.span.bytes)
        return Self.bigEndianBytes(UInt32(truncatingIfNeeded: body.count)) + body
            + Self.bigEndianBytes(checksum)
    }

    private static func bigEndianBytes(_ value: UInt32) -> [UInt8] {
        (0..<4).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    /// Containers by the upper halves of their positions.
    private static func bitmaps(
        _ containers: [RowContainer]
    ) -> [(key: Int64, containers: ArraySlice<RowContainer>)] {
        var bitmaps: [(key: Int64, containers: ArraySlice<RowContainer>)] = []
        var start = containers.startIndex
        while start < containers.endIndex {
            let key = containers[start].key >> 16
            let end =
                containers[start...].firstIndex { $0.key >> 16 != key } ?? containers.endIndex
            bitmaps.append((key, containers[start..<end]))
            start = end
        }
        return bitmaps
    }
}

/// Writes a bitmap of 32 bits: containers of 16 bits, each in the shortest of its three forms.
private struct RoaringWriter {
    private enum Form {
        case array
        case bits([UInt64])
        case runs([(first: UInt16, more: UInt16)])
    }

    private struct Part {
        let container: RowContainer
        let form: Form

        init(_ container: RowContainer) {
            self.container = container
            let lows = container.lows
            let plainSize = container.denseWords.map { $0.count * 8 } ?? lows.count * 2
            if let runs = Self.runs(lows, size: plainSize) {
                form = .runs(runs)
            } else {
                form = container.denseWords.map { .bits($0) } ?? .array
            }
        }

        /// Nil where they take as much as the other form.
        private static func runs(
            _ lows: [UInt16], size: Int
        ) -> [(first: UInt16, more: UInt16)]? {
            var runs: [(first: UInt16, more: UInt16)] = []
            var last: UInt16?
            for low in lows {
                if let before = last, low == before + 1 {
                    runs[runs.count - 1].more += 1
                } else {
                    runs.append((low, 0))
                    guard 2 + runs.count * 4 < size else { return nil }
                }
                last = low
            }
            return runs
        }

        var isRun: Bool { if case .runs = form { true } else { false } }

        var size: Int {
            switch form {
            case .array: container.count * 2
            case .bits(let words): words.count * 8
            case .runs(let runs): 2 + runs.count * 4
            }
        }

        func write(to output: inout [UInt8]) {
            switch form {
            case .array: for low in container.lows { output.append(littleEndian: low) }
            case .bits(let words): for word in words { output.append(littleEndian: word) }
            case .runs(let runs):
                output.append(littleEndian: UInt16(truncatingIfNeeded: runs.count))
                for run in runs {
                    output.append(littleEndian: run.first)
                    output.append(littleEndian: run.more)
                }
            }
        }
    }

    private let parts: [Part]

    init(_ containers: ArraySlice<RowContainer>) { parts = containers.map { Part($0) } }

    func write(to output: inout [UInt8]) {
        let isRun = parts.map(\.isRun)
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
            output.append(littleEndian: UInt16(truncatingIfNeeded: part.container.key))
            output.append(littleEndian: UInt16(truncatingIfNeeded: part.container.count - 1))
        }
        if !isRun.contains(true) || parts.count >= DeletionVector.offsetThreshold {
            var offset = output.count - start + parts.count * 4
            for part in parts {
                output.append(littleEndian: UInt32(truncatingIfNeeded: offset))
                offset += part.size
            }
        }
        for part in parts { part.write(to: &output) }
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
