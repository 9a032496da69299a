// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec

/// Between which keys of an order the rows of a file lie, as far as its bounds tell.
public struct KeySpan: Hashable, Sendable {
    /// The span of a field of the order.
    package struct Field: Hashable, Sendable {
        /// What none of its values is below.
        package let lower: OrderedValue
        /// What none of its values is above.
        package let upper: OrderedValue
        /// Whether all rows are known to have the same value.
        package let isConstant: Bool
        /// Whether there may be more to both, of which bounds have only the beginning.
        package var isCut = false
    }

    /// By the order's fields, up to the first that is not constant.
    package let fields: [Field]

    /// Whether it tells files apart: not where all that bounds have of texts is how they begin.
    package var isTelling: Bool { fields.last.map { !$0.isCut } ?? false }
}

/// Tells between which keys of an order the rows of files lie.
public struct KeySpanMaker: Sendable {
    fileprivate struct Part: Sendable {
        let id: Int
        let type: PrimitiveType
        let transform: Transform
        /// To how many characters texts are cut; nil for other types.
        let textLength: Int?
    }

    private let parts: [Part]
    /// The columns whose bounds and counts are wanted, by field id.
    package let columns: [Int32: PrimitiveType]

    /// Bounds of texts are cut to this many characters where nobody says anything.
    private static let usualTextLength = 16

    /// - Returns: Nil for an order whose first field goes by something else than the order of its
    ///   column, as buckets and Z-order curves do.
    public init?(_ order: RowOrder, _ metadata: TableMetadata) {
        guard case .fields(let fields) = order,
            let schema = metadata.schema(metadata.currentSchemaID)
        else { return nil }
        var parts: [Part] = []
        for field in fields {
            // Writers have different orders of UUIDs, so that nobody believes in bounds of these.
            guard field.transform.keepsOrder, let id = field.sourceIDs.first,
                field.sourceIDs.count == 1, case .primitive(let type)? = schema.field(id)?.type,
                type != .uuid
            else { break }
            parts.append(
                Part(
                    id: id, type: type, transform: field.transform,
                    textLength: Self.textLength(type, schema.fullName(ofField: id), metadata)))
        }
        guard !parts.isEmpty else { return nil }
        self.parts = parts
        columns = Dictionary(
            parts.map { (Int32(truncatingIfNeeded: $0.id), $0.type) },
            uniquingKeysWith: { first, _ in first })
    }

    /// How much of a text counts: one character less than bounds have, because the last one of an
    /// upper bound was raised.
    private static func textLength(
        _ type: PrimitiveType, _ name: String?, _ metadata: TableMetadata
    ) -> Int? {
        switch type {
        case .string, .binary, .fixed: break
        case .boolean, .int, .long, .float, .double, .decimal, .date, .time, .timestamp,
            .timestamptz, .timestampNanoseconds, .timestamptzNanoseconds, .uuid, .unknown,
            .geometry, .geography:
            return nil
        }
        let text =
            name.flatMap { metadata.properties["write.metadata.metrics.column.\($0)"] }
            ?? metadata.properties["write.metadata.metrics.default"] ?? ""
        let length = Int(text.filter(\.isNumber)) ?? usualTextLength
        return max(0, min(length, usualTextLength) - 1)
    }

    /// The span of a file of whose columns so much is known; nil where that is too little.
    func span(_ evidence: [Int: ValueEvidence]) -> KeySpan? {
        var fields: [KeySpan.Field] = []
        for part in parts {
            guard let known = evidence[part.id], let lower = known.lower,
                let upper = known.upper, let from = part.value(lower), let to = part.value(upper)
            else { break }
            let isCut =
                if case .bytes(let bytes) = from, let length = part.textLength {
                    bytes.count >= length
                } else { false }
            let isConstant = from == to && !known.mayBeNull && !known.mayBeNaN && !isCut
            fields.append(
                KeySpan.Field(
                    lower: from, upper: to, isConstant: isConstant, isCut: isCut && from == to))
            guard isConstant else { break }
        }
        return fields.isEmpty ? nil : KeySpan(fields: fields)
    }
}

extension KeySpanMaker.Part {
    /// What the order goes by.
    fileprivate func value(_ bound: OrderedValue) -> OrderedValue? {
        guard let value = transform.value(of: bound, type) else { return nil }
        guard case .bytes(let bytes) = value, let textLength else { return value }
        return .bytes(
            type == .string
                ? CodePoints.first(textLength, of: bytes) : Array(bytes.prefix(textLength)))
    }
}

extension Transform {
    /// Whether what it makes of values is in their order.
    fileprivate var keepsOrder: Bool {
        switch self {
        case .identity, .truncate, .year, .month, .day, .hour: true
        case .bucket, .void, .unknown: false
        }
    }
}
