// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import Compression
import TestSupport
import Testing
import WireFormat

/// Files of fastavro, in every codec, against what fastavro reads from them.
@Suite struct AvroGoldenTests {
    /// Asks for fields of every readable type, out of order, and leaves others to be skipped.
    private struct Fields {
        let projection: AvroProjection
        let number: AvroRequired<Int64>
        let small: AvroRequired<Int32>
        let flag: AvroRequired<Bool>
        let ratio: AvroRequired<Double>
        let exact: AvroRequired<Double>
        let text: AvroRequired<String>
        let blob: AvroRequired<[UInt8]>
        let maybe: AvroOptional<Int64>
        let reversed: AvroOptional<String>
        let mark: AvroOptional<[UInt8]>
        let element: AvroRequired<Int64>
        let list: AvroList
        let key: AvroRequired<Int32>
        let count: AvroRequired<Int64>
        let counts: AvroList
        let inner: AvroRequired<String>
        let either: AvroOptional<Int64>
        let last: AvroRequired<Int64>
        let absent: AvroOptional<Double>

        init() {
            var fields = AvroProjection()
            last = fields.required(Int64.self, id: 29, name: "last")
            either = fields.optional(Int64.self, id: 28, name: "either")
            number = fields.required(Int64.self, id: 1, name: "number")
            small = fields.required(Int32.self, id: 2, name: "small")
            flag = fields.required(Bool.self, id: 3, name: "flag")
            ratio = fields.required(Double.self, id: 4, name: "ratio")
            exact = fields.required(Double.self, id: 5, name: "exact")
            text = fields.required(String.self, id: 6, name: "text")
            blob = fields.required([UInt8].self, id: 7, name: "blob")
            maybe = fields.optional(Int64.self, id: 8, name: "maybe")
            reversed = fields.optional(String.self, id: 9, name: "reversed")
            mark = fields.optional([UInt8].self, id: 10, name: "mark")
            let elements = AvroProjection.elements(of: Int64.self)
            element = elements.slot
            list = fields.list(id: 12, name: "list", of: elements.projection)
            var pair = AvroProjection()
            key = pair.required(Int32.self, id: 15, name: "key")
            count = pair.required(Int64.self, id: 16, name: "value")
            counts = fields.list(id: 14, name: "counts", of: pair)
            let nested = fields.record(id: 20, name: "nested")
            inner = fields.required(String.self, id: 21, name: "inner", in: nested)
            absent = fields.optional(Double.self, id: 99, name: "absent")
            projection = fields
        }

        func json(_ row: borrowing AvroRow) throws(AvroError) -> JSONValue {
            var listed: [JSONValue] = []
            try row.forEach(list) { (each) throws(AvroError) in
                listed.append(.integer(each.value(element)))
            }
            var counted: [JSONValue] = []
            try row.forEach(counts) { (pair) throws(AvroError) in
                counted.append(
                    ["key": .integer(pair.value(key)), "value": .integer(pair.value(count))])
            }
            return [
                "number": .integer(row.value(number)), "small": .integer(row.value(small)),
                "flag": .bool(row.value(flag)), "ratio": .double(row.value(ratio)),
                "exact": .double(row.value(exact)), "text": .string(try row.value(text)),
                "blob": hexadecimal(row.value(blob)),
                "maybe": row.value(maybe).map { .integer($0) } ?? .null,
                "reversed": .optional(try row.value(reversed)),
                "mark": row.value(mark).map(hexadecimal) ?? .null, "list": .array(listed),
                "counts": row.isPresent(counts) ? .array(counted) : .null,
                "inner": .string(try row.value(inner)),
                "either": row.value(either).map { .integer($0) } ?? .null,
                "last": .integer(row.value(last)),
                "absent": row.value(absent).map { .double($0) } ?? .null,
            ]
        }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> JSONValue {
        .string(bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
    }

    /// The rows that fastavro reads, cut down to the fields asked for.
    private func expected() throws -> [JSONValue] {
        let rows = try JSONValue(parsing: golden("rows.json")).arrayValue ?? []
        let keys = [
            "number", "small", "flag", "ratio", "exact", "text", "blob", "maybe", "reversed",
            "mark", "list", "counts", "inner", "either", "last", "absent",
        ]
        return rows.map { row in
            let object = row.objectValue ?? JSONObject()
            return .object(
                JSONObject(
                    keys.map { key in
                        let inner = object["nested"]?.objectValue?["inner"]
                        let value = key == "inner" ? inner : object[key]
                        return .init(key: key, value: value ?? .null)
                    }))
        }
    }

    @Test(
        arguments: ["null", "deflate", "snappy", "zstandard", "zstandard-unsized"],
        [1, 17, 1000, Int.max])
    func `rows of every codec read as another reader has them`(codec: String, size: Int)
        async throws
    {
        let fields = Fields()

        let found = try await rows(of: golden("rows-\(codec).avro"), fields.projection, by: size) {
            (row) throws(AvroError) in try fields.json(row)
        }

        // Doubles are compared by value: writers spell them differently.
        let expected = try expected()
        #expect(found.count == 60)
        for (row, other) in zip(found, expected) {
            #expect(comparable(row) == comparable(other))
        }
    }

    private func comparable(_ row: JSONValue) -> [String] {
        (row.objectValue?.members ?? []).map { member in
            let isDouble = ["ratio", "exact"].contains(member.key)
            return isDouble ? "\(member.value.doubleValue ?? .nan)" : "\(member)"
        }
    }

    @Test func `a file without blocks has no rows`() async throws {
        let fields = Fields()

        let found = try await rows(of: golden("rows-none.avro"), fields.projection) {
            (row) throws(AvroError) in try fields.json(row)
        }

        #expect(found.isEmpty)
    }

    @Test func `a projection of nothing steps over every type`() async throws {
        for codec in ["null", "deflate"] {
            let found = try await rows(of: golden("rows-\(codec).avro"), AvroProjection()) { _ in 1
            }

            #expect(found.count == 60)
        }
    }

    @Test func `a text is lent without a copy`() async throws {
        var fields = AvroProjection()
        let text = fields.required(String.self, id: 6, name: "text")

        let found = try await rows(of: golden("rows-snappy.avro"), fields) { row in
            (row.borrowedBytes(text).count, row.borrowedBytes(text).first)
        }

        #expect(found[0] == (0, nil))
        #expect(found[2] == ("row 2 ☃row 2 ☃".utf8.count, UInt8(ascii: "r")))
    }

    @Test func `the header gives metadata as it is`() async throws {
        let reader = try await AvroFileReader(AvroMemorySource(golden("rows-deflate.avro")))

        #expect(reader.header.text("note") == "codec deflate")
        #expect(reader.header.text("absent") == nil)
        #expect(reader.header.codec == .deflate)
    }

    @Test(arguments: ["null", "deflate", "snappy", "zstandard"], UInt64(0)..<10)
    func `a damaged file gives rows or an error, whatever is damaged`(
        codec: String, seed: UInt64
    ) async throws {
        let fields = Fields()
        let original = try golden("rows-\(codec).avro")
        var random = SeededGenerator(seed: seed)
        var refused = 0
        for _ in 0..<50 {
            let damaged = original.mutated(using: &random)
            do {
                _ = try await rows(of: damaged, fields.projection, limits: .small) {
                    (row) throws(AvroError) in try fields.json(row)
                }
            } catch {
                refused += 1
                #expect(!error.description.isEmpty)
            }
        }
        #expect(refused > 15, "most damage must be noticed")
    }

    @Test func `a file cut short anywhere but between blocks is refused`() async throws {
        let fields = Fields()
        let original = try golden("rows-null.avro")
        var whole = 0
        for count in stride(from: 0, to: original.count, by: 3) {
            do {
                _ = try await rows(of: Array(original.prefix(count)), fields.projection) { _ in 1 }
                whole += 1
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
        // Eight or so blocks, of which every third may end at a length that is tried.
        #expect(whole < 10)
    }
}
