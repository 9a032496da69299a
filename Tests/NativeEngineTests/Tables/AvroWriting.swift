// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// Writes Avro files for tests: one block, no codec.
struct AvroWriting {
    private(set) var bytes: [UInt8] = []

    mutating func long(_ value: Int64) {
        var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func string(_ text: String) {
        long(Int64(text.utf8.count))
        bytes += text.utf8
    }

    /// A value of a union of null and something else.
    mutating func optional(_ value: Int64?) {
        long(value == nil ? 0 : 1)
        if let value { long(value) }
    }

    /// A container file of one block.
    static func file(
        schema: JSONValue, metadata: KeyValuePairs<String, String>, rowCount: Int, rows: AvroWriting
    ) -> [UInt8] {
        let marker = [UInt8](repeating: 0x5A, count: 16)
        var file = AvroWriting()
        file.bytes = [0x4F, 0x62, 0x6A, 0x01]
        let all = [("avro.schema", schema.text()), ("avro.codec", "null")] + metadata.map { $0 }
        file.long(Int64(all.count))
        for (key, value) in all {
            file.string(key)
            file.string(value)
        }
        file.long(0)
        file.bytes += marker
        if rowCount > 0 {
            file.long(Int64(rowCount))
            file.long(Int64(rows.bytes.count))
            file.bytes += rows.bytes + marker
        }
        return file.bytes
    }

    static func field(_ name: String, _ type: JSONValue, _ id: Int) -> JSONValue {
        ["name": .string(name), "type": type, "field-id": .integer(id)]
    }

    static func optionalField(_ name: String, _ type: JSONValue, _ id: Int) -> JSONValue {
        ["name": .string(name), "type": ["null", type], "default": nil, "field-id": .integer(id)]
    }
}
