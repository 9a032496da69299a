// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import Foundation

/// Builds container files byte by byte, right and wrong ones.
struct AvroTestFile {
    static let sync = (0..<16).map { UInt8($0) }

    var bytes: [UInt8]

    /// A header with a schema and further metadata.
    init(schema: String, codec: String? = nil, metadata: [String: String] = [:]) {
        var entries = metadata
        entries["avro.schema"] = schema
        entries["avro.codec"] = codec
        bytes = [0x4F, 0x62, 0x6A, 0x01] + Self.integer(Int64(entries.count))
        for (key, value) in entries { bytes += Self.text(key) + Self.text(value) }
        bytes += Self.integer(0) + Self.sync
    }

    /// A record of one field.
    init(field type: String, id: Int = 1) {
        self.init(schema: Self.record(field: type, id: id))
    }

    static func record(field type: String, id: Int = 1) -> String {
        #"{"type":"record","name":"r","fields":[{"name":"f","type":\#(type),"field-id":\#(id)}]}"#
    }

    mutating func append(block: [UInt8], count: Int64 = 1) {
        bytes += Self.integer(count) + Self.integer(Int64(block.count)) + block + Self.sync
    }

    func with(block: [UInt8], count: Int64 = 1) -> [UInt8] {
        var file = self
        file.append(block: block, count: count)
        return file.bytes
    }

    /// A number as Avro writes it.
    static func integer(_ value: Int64) -> [UInt8] {
        var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    static func text(_ text: String) -> [UInt8] { integer(Int64(text.utf8.count)) + text.utf8 }
}

/// Gives a file a few bytes at a time, as a slow storage would.
struct PiecewiseSource: AvroByteSource {
    let bytes: [UInt8]
    let size: Int
    var offset = 0

    init(_ bytes: [UInt8], by size: Int) {
        self.bytes = bytes
        self.size = size
    }

    mutating func next() async -> [UInt8]? {
        guard offset < bytes.count else { return nil }
        defer { offset = min(offset + size, bytes.count) }
        return Array(bytes[offset..<min(offset + size, bytes.count)])
    }
}

/// Reads every row through a projection, with what a closure makes of each.
func rows<Value>(
    of bytes: [UInt8], _ projection: AvroProjection, by size: Int = .max,
    limits: AvroLimits = AvroLimits(),
    _ value: (borrowing AvroRow) throws(AvroError) -> Value
) async throws(AvroError) -> [Value] {
    var values: [Value] = []
    do throws(AvroReadError<Never>) {
        let source = PiecewiseSource(bytes, by: min(size, max(bytes.count, 1)))
        let reader = try await AvroFileReader(source, limits: limits)
        let program: AvroProgram
        do { program = try AvroProgram.compile(projection, for: reader.schema()) } catch {
            throw .format(error)
        }
        while try await reader.nextBlock() {
            do {
                try reader.forEachRow(program) { (row) throws(AvroError) in
                    values.append(try value(row))
                }
            } catch { throw .format(error) }
        }
    } catch {
        switch error {
        case .format(let error): throw error
        }
    }
    return values
}

/// Bytes of a golden file; see Goldens/README.md.
func golden(_ name: String) throws -> [UInt8] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Goldens")
    return Array(try Data(contentsOf: folder.appending(path: name)))
}

extension AvroLimits {
    /// Limits that keep a fuzzed file from taking a test machine's memory.
    static var small: AvroLimits {
        var limits = AvroLimits()
        limits.headerBytes = 1 << 20
        limits.storedBlockBytes = 1 << 20
        limits.decodedBlockBytes = 4 << 20
        limits.emptyElements = 1000
        return limits
    }
}
