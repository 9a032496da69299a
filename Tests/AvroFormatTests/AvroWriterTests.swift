// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import Compression
import Foundation
import TestSupport
import Testing
import WireFormat

/// Files that the writer makes, read by our reader and by fastavro.
@Suite struct AvroWriterTests {
    /// A row of every encoding, each with a null besides.
    struct Row: Hashable {
        var flag: Bool
        var number: Int32
        var long: Int64?
        var real: Double?
        var narrow: Float
        var bytes: [UInt8]?
        var text: String
        var list: [Int64]?
        var fixed: [UInt8]

        static func random(using random: inout SeededGenerator) -> Row {
            func bytes(_ limit: Int, _ random: inout SeededGenerator) -> [UInt8] {
                (0..<Int.random(in: 0...limit, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
            }
            let edges: [Int64] = [0, 1, -1, 63, -64, 64, -65, .max, .min]
            let isNull = Int.random(in: 0..<3, using: &random) == 0
            return Row(
                flag: Bool.random(using: &random),
                number: Int32.random(in: .min ... .max, using: &random),
                long: isNull ? nil : edges.randomElement(using: &random),
                real: isNull ? nil : Double.random(in: -1e9...1e9, using: &random),
                narrow: Float.random(in: -1e9...1e9, using: &random),
                bytes: isNull ? nil : bytes(300, &random),
                text: String(decoding: bytes(20, &random).map { $0 & 0x7F }, as: UTF8.self) + "ü",
                list: isNull
                    ? nil
                    : (0..<Int.random(in: 0...4, using: &random)).map { _ in
                        Int64.random(in: .min ... .max, using: &random)
                    },
                fixed: (0..<5).map { _ in UInt8.random(in: 0...255, using: &random) })
        }

        func encode(_ encoder: inout AvroEncoder) {
            encoder.boolean(flag)
            encoder.int(number)
            encoder.optional(long) { $0.long($1) }
            encoder.optional(real) { $0.double($1) }
            encoder.float(narrow)
            encoder.optional(bytes) { $0.bytes($1) }
            encoder.string(text)
            encoder.optional(list) { $0.array($1) { $0.long($1) } }
            encoder.fixed(fixed)
        }

        /// What fastavro prints of it.
        var json: JSONValue {
            func hex(_ bytes: [UInt8]) -> String {
                bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            }
            return [
                "flag": .bool(flag), "number": .integer(number),
                "long": long.map { .integer($0) } ?? .null,
                "bytes": bytes.map { .string(hex($0)) } ?? .null, "text": .string(text),
                "list": list.map { .array($0.map { .integer($0) }) } ?? .null,
                "fixed": .string(hex(fixed)),
            ]
        }
    }

    private static let schema: JSONValue = [
        "type": "record", "name": "row",
        "fields": [
            ["name": "flag", "type": "boolean", "field-id": 1],
            ["name": "number", "type": "int", "field-id": 2],
            ["name": "long", "type": ["null", "long"], "field-id": 3],
            ["name": "real", "type": ["null", "double"], "field-id": 4],
            ["name": "narrow", "type": "float", "field-id": 5],
            ["name": "bytes", "type": ["null", "bytes"], "field-id": 6],
            ["name": "text", "type": "string", "field-id": 7],
            [
                "name": "list", "type": ["null", ["type": "array", "items": "long"]], "field-id": 8,
            ],
            [
                "name": "fixed", "type": ["type": "fixed", "name": "five", "size": 5],
                "field-id": 9,
            ],
        ],
    ]

    private static func file(
        _ rows: [Row], _ codec: AvroCodec, blockBytes: Int = 500
    ) throws -> [UInt8] {
        var writer = try AvroFileWriter(
            schema: schema, metadata: [("who", "we"), ("empty", "")], codec: codec,
            blockBytes: blockBytes)
        for row in rows { try writer.append { row.encode(&$0) } }
        #expect(writer.recordCount == rows.count)
        return try writer.finish()
    }

    private static func rows(seed: UInt64) -> [Row] {
        var random = SeededGenerator(seed: seed)
        return (0..<Int.random(in: 0...60, using: &random)).map { _ in .random(using: &random) }
    }

    @Test(arguments: AvroCodec.allCases, 1...20)
    func `what is written is read back`(codec: AvroCodec, seed: UInt64) async throws {
        let written = Self.rows(seed: seed)
        let bytes = try Self.file(written, codec)

        var projection = AvroProjection()
        let flag = projection.required(Bool.self, id: 1, name: "flag")
        let number = projection.required(Int32.self, id: 2, name: "number")
        let long = projection.optional(Int64.self, id: 3, name: "long")
        let real = projection.optional(Double.self, id: 4, name: "real")
        let narrow = projection.required(Double.self, id: 5, name: "narrow")
        let data = projection.optional([UInt8].self, id: 6, name: "bytes")
        let text = projection.required(String.self, id: 7, name: "text")
        let (elements, element) = AvroProjection.elements(of: Int64.self)
        let list = projection.list(id: 8, name: "list", of: elements)
        let fixed = projection.required([UInt8].self, id: 9, name: "fixed")
        let found = try await AvroFormatTests.rows(of: bytes, projection) {
            (row) throws(AvroError) in
            var values: [Int64]?
            if row.isPresent(list) {
                var some: [Int64] = []
                try row.forEach(list) { some.append($0.value(element)) }
                values = some
            }
            return Row(
                flag: row.value(flag), number: row.value(number), long: row.value(long),
                real: row.value(real), narrow: Float(row.value(narrow)), bytes: row.value(data),
                text: try row.value(text), list: values, fixed: row.value(fixed))
        }

        #expect(found == written)
        let header = try await AvroFileReader(AvroMemorySource(bytes)).header
        #expect(header.text("who") == "we")
        #expect(header.text("empty") == "")
        #expect(header.text("avro.codec") == codec.rawValue)
    }

    @Test(arguments: AvroCodec.allCases)
    func `the same rows give the same bytes, and other rows others`(codec: AvroCodec) throws {
        let rows = Self.rows(seed: 7)
        #expect(try Self.file(rows, codec) == Self.file(rows, codec))
        #expect(try Self.file(rows, codec) != Self.file(rows.dropLast(), codec))
    }

    @Test func `the bytes of a small file are these`() throws {
        var writer = try AvroFileWriter(
            schema: "long", codec: .none, syncMarker: [UInt8](repeating: 9, count: 16))
        try writer.append { $0.long(-65) }
        let marker = [UInt8](repeating: 9, count: 16)

        let bytes = try writer.finish()

        let head: [UInt8] = [0x4F, 0x62, 0x6A, 1, 4]
        let schema = [22] + Array("avro.schema".utf8) + [12] + Array("\"long\"".utf8)
        let codec = [20] + Array("avro.codec".utf8) + [8] + Array("null".utf8)
        #expect(bytes == head + schema + codec + [0] + marker + [2, 4, 0x81, 0x01] + marker)
    }

    @Test func `a file without records has no block`() async throws {
        let writer = try AvroFileWriter(schema: "long")
        let size = writer.byteCount
        let bytes = try writer.finish()
        #expect(bytes.count == size)
        let reader = try await AvroFileReader(AvroMemorySource(bytes))
        #expect(try await !reader.nextBlock())
    }

    @Test(arguments: [(9, 1), (10, 1), (11, 2), (20, 2), (21, 3)])
    func `a block ends with the record that fills it`(records: Int, blocks: Int) async throws {
        var writer = try AvroFileWriter(schema: "long", codec: .none, blockBytes: 10)
        for _ in 0..<records { try writer.append { $0.long(1) } }
        #expect(writer.plainByteCount == records / 10 * 10)
        let reader = try await AvroFileReader(AvroMemorySource(try writer.finish()))
        var found = 0
        while try await reader.nextBlock() { found += 1 }
        #expect(found == blocks)
    }

    @Test func `a schema that is none is refused before anything is written`() throws {
        #expect(throws: AvroError.invalidSchema(reason: "a type has no attribute \"type\"")) {
            try AvroFileWriter(schema: ["name": "nothing"])
        }
    }

    @Test(.enabled(if: Oracles.isAvailable, Comment(rawValue: Oracles.reason)))
    func `fastavro reads what is written, in every codec`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let written = (1...5).flatMap { Self.rows(seed: $0) }
        var paths: [String] = []
        for codec in AvroCodec.allCases {
            let url = folder.appending(path: "\(codec).avro")
            try Data(Self.file(written, codec)).write(to: url)
            paths.append(url.path)
        }

        let files = try #require(try await Oracles.run("read_avro.py", paths).arrayValue)

        #expect(files.count == paths.count)
        for file in files {
            #expect(file.objectValue?["metadata"]?.objectValue?["who"] == "we")
            let records = try #require(file.objectValue?["records"]?.arrayValue)
            #expect(records.count == written.count)
            for (record, row) in zip(records, written) {
                var found = record.objectValue ?? JSONObject()
                found["real"] = nil
                found["narrow"] = nil
                #expect(JSONValue.object(found) == row.json)
            }
        }
    }
}
