// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import Compression
import Testing

/// Every way in which a file can be wrong has its own error, and says where.
@Suite struct AvroMalformedTests {
    private typealias File = AvroTestFile

    /// Reads field 1 as a value of a type, and expects the fault at an offset into the block.
    private func expectFault<Value: AvroScalar>(
        _ fault: AvroFault, at offset: Int, reading _: Value.Type, as type: String,
        _ block: [UInt8],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async {
        var fields = AvroProjection()
        _ = fields.required(Value.self, id: 1, name: "f")
        await expectFault(
            fault, at: offset, fields, type, block, sourceLocation: sourceLocation)
    }

    private func expectFault(
        _ fault: AvroFault, at offset: Int, _ fields: AvroProjection, _ type: String,
        _ block: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
    ) async {
        let file = File(field: type)
        // The block's head is one byte of count and one or two of size.
        let start = file.bytes.count + 1 + File.integer(Int64(block.count)).count
        let position = AvroPosition(fileOffset: Int64(start + offset))
        await #expect(
            throws: AvroError.malformed(fault, at: position), sourceLocation: sourceLocation
        ) { try await rows(of: file.with(block: block), fields) { _ in 1 } }
    }

    // MARK: Values

    @Test func `an integer may have ten bytes and not eleven, read or skipped`() async throws {
        let long = #""long""#
        let tenBytes = [UInt8](repeating: 0xFF, count: 9) + [0x01]
        var fields = AvroProjection()
        let value = fields.required(Int64.self, id: 1, name: "f")

        let found = try await rows(of: File(field: long).with(block: tenBytes), fields) {
            $0.value(value)
        }
        #expect(found == [.min])
        let elevenBytes = [UInt8](repeating: 0x80, count: 10) + [0x01]
        await expectFault(.integerOverflow, at: 0, reading: Int64.self, as: long, elevenBytes)
        await expectFault(.integerOverflow, at: 0, AvroProjection(), long, elevenBytes)
        let tooWide = [UInt8](repeating: 0xFF, count: 9) + [0x02]
        await expectFault(.integerOverflow, at: 0, reading: Int64.self, as: long, tooWide)
    }

    @Test func `long runs of integers are skipped as they are read`() async throws {
        let values: [Int64] = [0, -1, .max, .min, 300, -70_000, 1, 2, 3, 4, 5, 6, 7, 1 << 40]
        let type = #"{"type":"array","items":"long"}"#
        for count in 0...values.count {
            let some = values.suffix(count)
            let elements = some.flatMap(File.integer)
            let head = count == 0 ? [] : File.integer(Int64(count))
            let block = head + elements + [0]

            let found = try await rows(of: File(field: type).with(block: block), AvroProjection()) {
                _ in 1
            }
            #expect(found == [1])
            await expectFault(
                .endOfData, at: block.count - 1, AvroProjection(), type, Array(block.dropLast()))
        }
    }

    @Test func `an overlong integer within a long run is noticed`() async {
        let type = #"{"type":"array","items":"long"}"#
        for place in 0..<20 {
            var elements = [UInt8](repeating: 0x02, count: 20)
            elements.replaceSubrange(place...place, with: [UInt8](repeating: 0x80, count: 10) + [1])
            let block = File.integer(20) + elements + [0]

            await expectFault(.integerOverflow, at: 1, AvroProjection(), type, block)
        }
    }

    @Test func `an int holds 32 bits and no more`() async throws {
        var fields = AvroProjection()
        let value = fields.required(Int32.self, id: 1, name: "f")
        for type in [#""int""#, #""long""#] {
            let most = File(field: type).with(block: File.integer(Int64(Int32.max)))

            #expect(try await rows(of: most, fields) { $0.value(value) } == [.max])
            let more = Int64(Int32.max) + 1
            await expectFault(
                .integerOutOfRange(more), at: 5, fields, type, File.integer(more))
        }
    }

    @Test func `a boolean is 0 or 1`() async {
        await expectFault(.invalidBoolean(2), at: 0, reading: Bool.self, as: #""boolean""#, [2])
    }

    @Test func `a length is not negative and not beyond the end`() async {
        let bytes = #""bytes""#
        for fields in [AvroProjection(), projection([UInt8].self)] {
            await expectFault(.negativeLength(-1), at: 1, fields, bytes, File.integer(-1))
            await expectFault(.lengthBeyondEnd(2), at: 1, fields, bytes, File.integer(2) + [7])
            await expectFault(
                .lengthBeyondEnd(.max), at: 10, fields, bytes, File.integer(.max))
        }
    }

    @Test func `numbers of fixed width are cut short by the end`() async {
        await expectFault(.endOfData, at: 0, reading: Double.self, as: #""double""#, [1, 2, 3])
        await expectFault(.endOfData, at: 0, reading: Double.self, as: #""float""#, [1, 2, 3])
        await expectFault(.endOfData, at: 0, AvroProjection(), #""double""#, [1, 2, 3])
        let fixed = #"{"type":"fixed","name":"x","size":4}"#
        await expectFault(.endOfData, at: 0, reading: [UInt8].self, as: fixed, [1, 2, 3])
    }

    @Test func `a text is checked when it is made, and a borrowed one is not`() async throws {
        var fields = AvroProjection()
        let text = fields.required(String.self, id: 1, name: "f")
        let file = File(field: #""string""#)
        let bytes = file.with(block: [4, 0xC3, 0x28])

        let position = AvroPosition(fileOffset: Int64(file.bytes.count + 3))
        await #expect(throws: AvroError.malformed(.invalidText(field: "f"), at: position)) {
            try await rows(of: bytes, fields) { (row) throws(AvroError) in try row.value(text) }
        }
        #expect(
            try await rows(of: bytes, fields) { Array($0.borrowedBytes(text)) } == [[0xC3, 0x28]])
    }

    @Test func `a union has the branches of its schema`() async {
        for type in [#"["null","long"]"#, #"["null","long","string"]"#] {
            for branch: Int64 in [-1, 3, .max] {
                let block = File.integer(branch)
                await expectFault(
                    .unknownBranch(branch), at: block.count, AvroProjection(), type, block)
            }
        }
    }

    @Test func `a field that must have a value is not null`() async {
        await expectFault(
            .unexpectedNull(field: "f"), at: 1, reading: Int64.self, as: #"["null","long"]"#, [0])
    }

    private func projection<Value: AvroScalar>(_: Value.Type) -> AvroProjection {
        var fields = AvroProjection()
        _ = fields.required(Value.self, id: 1, name: "f")
        return fields
    }

    // MARK: Collections

    @Test func `blocks of a list may state their size`() async throws {
        let type = #"{"type":"array","items":"long"}"#
        let elements = AvroProjection.elements(of: Int64.self)
        var fields = AvroProjection()
        let list = fields.list(id: 1, name: "f", of: elements.projection)
        // Two elements in a sized block of three bytes, then one in a plain block.
        let block: [UInt8] =
            File.integer(-2) + File.integer(3) + [0x02, 0x80, 0x01] + [0x02, 0x06, 0]

        let found = try await rows(of: File(field: type).with(block: block), fields) {
            (row) throws(AvroError) in
            var found: [Int64] = []
            try row.forEach(list) { found.append($0.value(elements.slot)) }
            return found
        }

        #expect(found == [[1, 64, 3]])
    }

    @Test func `a stated size that is wrong is noticed when the list is read`() async {
        let type = #"{"type":"array","items":"long"}"#
        let elements = AvroProjection.elements(of: Int64.self)
        var fields = AvroProjection()
        let list = fields.list(id: 1, name: "f", of: elements.projection)
        let block: [UInt8] = File.integer(-1) + File.integer(3) + [0x02, 0x80, 0x01] + [0]

        await #expect(throws: AvroError.self) {
            try await rows(of: File(field: type).with(block: block), fields) {
                (row) throws(AvroError) in try row.forEach(list) { _ in }
            }
        }
    }

    @Test func `a count is bounded by the bytes that are there`() async {
        let array = #"{"type":"array","items":"double"}"#
        let map = #"{"type":"map","values":"double"}"#
        for type in [array, map] {
            await expectFault(
                .lengthBeyondEnd(.max), at: 10, AvroProjection(), type, File.integer(.max))
            await expectFault(
                .negativeLength(.min), at: 10, AvroProjection(), type, File.integer(.min))
            await expectFault(
                .negativeLength(-1), at: 2, AvroProjection(), type,
                File.integer(-1) + File.integer(-1))
        }
    }

    @Test func `elements without bytes are skipped in one step`() async throws {
        let block = File.integer(.max) + [0]
        let file = File(field: #"{"type":"array","items":"null"}"#).with(block: block)

        #expect(try await rows(of: file, AvroProjection()) { _ in 1 } == [1])
    }

    @Test func `records without bytes are counted up to a limit`() async throws {
        let file = File(schema: #"{"type":"record","name":"r","fields":[]}"#)
        var limits = AvroLimits()
        limits.emptyElements = 10

        let most = file.with(block: [], count: 10)
        #expect(
            try await rows(of: most, AvroProjection(), limits: limits) { _ in 1 }.count == 10)
        await #expect(throws: AvroError.self) {
            try await rows(of: file.with(block: [], count: 11), AvroProjection(), limits: limits) {
                _ in 1
            }
        }
    }

    @Test func `records nest to a depth and no deeper`() async throws {
        let schema = #"""
            {"type":"record","name":"r","fields":[
                {"name":"next","type":["null","r"],"field-id":1}]}
            """#
        let file = File(schema: schema)
        func block(depth: Int) -> [UInt8] { [UInt8](repeating: 2, count: depth) + [0] }

        // The outermost record is read, the others are skipped.
        #expect(
            try await rows(of: file.with(block: block(depth: 63)), AvroProjection()) { _ in 1 } == [
                1
            ])
        await #expect(throws: AvroError.self) {
            try await rows(of: file.with(block: block(depth: 64)), AvroProjection()) { _ in 1 }
        }
    }

    @Test func `a schema that doubles with every type is compiled once per type`() async throws {
        // Each of 60 records has two fields of the one before: 2^60 integers if written out.
        var type = #""long""#
        for level in 0..<60 {
            let again = level == 0 ? "long" : "r\(level - 1)"
            type = #"""
                {"type":"record","name":"r\#(level)","fields":[
                    {"name":"a","type":\#(type)},{"name":"b","type":"\#(again)"}]}
                """#
        }
        let file = File(schema: type)

        await #expect(throws: AvroError.self) {
            try await rows(of: file.with(block: [0, 0, 0]), AvroProjection()) { _ in 1 }
        }
    }
}
