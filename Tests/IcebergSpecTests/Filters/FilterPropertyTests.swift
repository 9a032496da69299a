// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import WireFormat

@testable import IcebergSpec

/// Files of random rows and random conditions on one column: a file with a row that passes is
/// never left out, by whatever is known of it.
struct FilterPropertyTests {
    /// A column of a type, its random values, and how a condition spells them.
    private struct Column: Sendable {
        let type: String
        let transforms: [Transform]
        let value: @Sendable (inout SeededGenerator) -> OrderedValue
        let literal: @Sendable (OrderedValue) -> String
    }

    private static func integers(
        _ type: String, _ ends: ClosedRange<Int64>, _ widths: [Int]
    ) -> Column {
        Column(
            type: type,
            transforms: [.identity, .bucket(count: 3), .void]
                + widths.map { .truncate(width: $0) },
            value: { randomness in
                let near = Int64.random(in: 0...25, using: &randomness)
                let values = [ends.lowerBound + near, ends.upperBound - near, near - 12]
                return .integer(Int128(values.randomElement(using: &randomness) ?? 0))
            },
            literal: { value in
                guard case .integer(let number) = value else { return "0" }
                return "\(number)"
            })
    }

    private static func bytes(_ value: OrderedValue) -> [UInt8] {
        if case .bytes(let bytes) = value { bytes } else { [] }
    }

    private static let text = Column(
        type: "string",
        transforms: [
            .identity, .bucket(count: 3), .truncate(width: 1), .truncate(width: 2),
            .truncate(width: 4),
        ],
        value: { randomness in
            let letters = ["a", "b", "\u{fc}", "\u{ff}", "\u{7ff}", "\u{20ac}", "\u{1f600}"]
            let count = Int.random(in: 0...4, using: &randomness)
            let text = (0..<count).map { _ in letters.randomElement(using: &randomness) ?? "" }
            return .bytes(Array(text.joined().utf8))
        },
        literal: { "'\(String(decoding: bytes($0), as: UTF8.self))'" })

    private static let raw = Column(
        type: "binary",
        transforms: [.identity, .bucket(count: 3), .truncate(width: 1), .truncate(width: 3)],
        value: { randomness in
            let count = Int.random(in: 0...4, using: &randomness)
            return .bytes(
                (0..<count).map { _ in
                    [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &randomness) ?? 0
                })
        },
        literal: { value in
            let digits = bytes(value).map { byte in
                (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
            return "X'\(digits.joined())'"
        })

    private static let columns = [
        integers("int", Int64(Int32.min)...Int64(Int32.max), [1, 7, 10, 1_000_000]),
        integers("long", .min ... .max, [1, 7, 10, 1_000_000]),
        integers("decimal(20, 0)", -99_999_999...99_999_999, [7, 10]),
        text, raw,
    ]

    // MARK: Rows and partitions, worked out anew

    /// The partition value, by the text of the specification; integers wrap around as in Java.
    private func partition(_ value: OrderedValue?, _ column: Column, _ transform: Transform)
        throws -> OrderedValue?
    {
        guard let value else { return nil }
        let type = try #require(PrimitiveType(column.type))
        switch (transform, value) {
        case (.bucket(let count), _):
            return .integer(Int128(try #require(BucketHash.bucket(value, of: type, count: count))))
        case (.truncate(let width), .integer(let number)):
            let wide = Int128(width)
            let cut = number - (number % wide + wide) % wide
            switch type {
            case .int: return .integer(Int128(Int32(truncatingIfNeeded: cut)))
            case .long: return .integer(Int128(Int64(truncatingIfNeeded: cut)))
            default: return .integer(cut)
            }
        case (.truncate(let width), .bytes(let bytes)) where type == .string:
            let text = String(decoding: bytes, as: UTF8.self).unicodeScalars.prefix(width)
            return .bytes(Array(String(text).utf8))
        case (.truncate(let width), .bytes(let bytes)): return .bytes(Array(bytes.prefix(width)))
        case (.void, _): return nil
        default: return value
        }
    }

    private func isLess(_ left: OrderedValue, _ right: OrderedValue) -> Bool {
        switch (left, right) {
        case (.integer(let left), .integer(let right)): left < right
        case (.bytes(let left), .bytes(let right)): left.lexicographicallyPrecedes(right)
        default: false
        }
    }

    /// A condition, and whether a row passes it.
    private func condition(
        _ column: Column, _ randomness: inout SeededGenerator
    ) -> (text: String, passes: (OrderedValue?) -> Bool) {
        let value = column.value(&randomness)
        let other = column.value(&randomness)
        let literal = column.literal(value)
        let isLess = self.isLess
        switch Int.random(in: 0..<9, using: &randomness) {
        case 0: return ("x < \(literal)", { $0.map { isLess($0, value) } ?? false })
        case 1: return ("x <= \(literal)", { $0.map { !isLess(value, $0) } ?? false })
        case 2: return ("x > \(literal)", { $0.map { isLess(value, $0) } ?? false })
        case 3: return ("\(literal) <= x", { $0.map { !isLess($0, value) } ?? false })
        case 4: return ("NOT x = \(literal)", { $0.map { $0 != value } ?? false })
        case 5: return ("x IS NULL", { $0 == nil })
        case 6:
            return (
                "x IN (\(literal), \(column.literal(other)))", { $0 == value || $0 == other }
            )
        case 7:
            return (
                "NOT x NOT BETWEEN \(literal) AND \(column.literal(other))",
                { $0.map { !isLess($0, value) && !isLess(other, $0) } ?? false }
            )
        default:
            guard column.type == "string" else {
                return ("x = \(literal)", { $0 == value })
            }
            let prefix = Self.bytes(value)
            let isNegated = Bool.random(using: &randomness)
            return (
                "x \(isNegated ? "NOT " : "")LIKE '\(literal.dropFirst().dropLast())%'",
                { $0.map { Self.bytes($0).starts(with: prefix) != isNegated } ?? false }
            )
        }
    }

    // MARK: What is known of a file

    private func metrics(_ rows: [OrderedValue?], isCut: Bool) -> ValueEvidence {
        let values = rows.compactMap(\.self)
        guard let least = values.min(by: isLess), let most = values.max(by: isLess) else {
            return .onlyNull
        }
        var evidence = ValueEvidence()
        evidence.mayBeNull = values.count < rows.count
        evidence.mayBeNaN = false
        if isCut, case .bytes(let low) = least, case .bytes(let high) = most {
            // Bounds of long values are cut, and the upper one is raised.
            evidence.bound(
                lower: .bytes(Array(low.prefix(1))),
                upper: high.isEmpty || high[0] == 0xFF ? nil : .bytes([high[0] + 1]))
        } else {
            evidence.bound(lower: least, upper: most)
        }
        return evidence
    }

    private func summary(
        _ values: [OrderedValue?], _ type: PrimitiveType
    ) throws -> PartitionFieldSummary {
        let found = values.compactMap(\.self)
        func bytes(_ value: OrderedValue?) -> [UInt8]? {
            switch value {
            case .integer(let number)?:
                if case .decimal = type {
                    let whole = withUnsafeBytes(of: number.bigEndian) { Array($0) }
                    return PartitionValue.decimal(unscaled: whole).serialized
                }
                return type == .long
                    ? PartitionValue.long(Int64(number)).serialized
                    : PartitionValue.int(Int32(number)).serialized
            case .bytes(let bytes)?: return bytes
            case .number, nil: return nil
            }
        }
        return PartitionFieldSummary(
            containsNull: found.count < values.count, containsNaN: false,
            lowerBound: bytes(found.min(by: isLess)), upperBound: bytes(found.max(by: isLess)))
    }

    @Test(arguments: 1...400)
    func `a file that holds a row that passes is never left out`(seed: Int) throws {
        var randomness = SeededGenerator(seed: UInt64(seed))
        let column = Self.columns[seed % Self.columns.count]
        let type = try #require(PrimitiveType(column.type))
        let transform = try #require(column.transforms.randomElement(using: &randomness))
        let metadata = try ExampleTable.metadata { document in
            document["schemas"] = [
                [
                    "type": "struct", "schema-id": 1,
                    "fields": [
                        ["id": 1, "name": "x", "required": false, "type": .string(column.type)]
                    ],
                ]
            ]
        }
        let spec = try PartitionSpec([
            "spec-id": 1,
            "fields": [
                [
                    "name": "p", "transform": .string(transform.description), "source-id": 1,
                    "field-id": 1000,
                ]
            ],
        ])
        for _ in 0..<60 {
            let (text, passes) = condition(column, &randomness)
            let filter = SpecFilter(
                try RowFilter(Condition(parsing: text), metadata: metadata), spec)
            let row = Bool.random(using: &randomness) ? column.value(&randomness) : nil
            let mine = try partition(row, column, transform)
            // Other rows of the file are of the same partition.
            var rows = [row]
            for _ in 0..<8 {
                let other = column.value(&randomness)
                if try partition(other, column, transform) == mine { rows.append(other) }
            }
            guard rows.contains(where: passes) else { continue }
            let tuple = mine.map { ValueEvidence(only: $0) } ?? .onlyNull
            let known = metrics(rows, isCut: Bool.random(using: &randomness))
            let elsewhere = try partition(column.value(&randomness), column, transform)
            let result = transform.resultType(of: type)

            #expect(filter.mayPass(partition: [tuple]) { _ in known }, "\(text) \(rows)")
            #expect(
                filter.mayPass([try summary([mine, elsewhere], result)]),
                "\(text) \(transform) \(rows)")
        }
    }

    @Test func `what certainly has no row that passes is left out`() throws {
        let metadata = try ExampleTable.metadata()
        func passes(_ text: String, _ transform: String, _ value: Int128) throws -> Bool {
            let spec = try PartitionSpec([
                "spec-id": 1,
                "fields": [
                    [
                        "name": "p", "transform": .string(transform), "source-id": 1,
                        "field-id": 1000,
                    ]
                ],
            ])
            let filter = try RowFilter(Condition(parsing: text), metadata: metadata)
            return SpecFilter(filter, spec).mayPass(
                partition: [ValueEvidence(only: .integer(value))]
            ) { _ in nil }
        }

        #expect(try !passes("x = 34", "bucket[4]", 2))
        #expect(try passes("x = 34", "bucket[4]", 3))
        #expect(try !passes("x > 19", "truncate[10]", 10))
        #expect(try passes("x > 18", "truncate[10]", 10))
        #expect(try !passes("x < 10", "truncate[10]", 10))
        #expect(try !passes("x IS NULL", "bucket[4]", 1))
        #expect(try !passes("x NOT IN (1, 2)", "identity", 2))
        #expect(try passes("x NOT IN (1, 2)", "void", 2))
        #expect(try !passes("FALSE", "void", 2))
    }
}
