// SPDX-License-Identifier: Apache-2.0

/// The fields that a caller wants of each record, by Iceberg field id.
///
/// Everything else in the file is stepped over. Build it once, keep the slots that it hands out,
/// and read rows through them:
///
/// ```swift
/// var projection = AvroProjection()
/// let status = projection.required(Int32.self, id: 0, name: "status")
/// let file = projection.record(id: 2, name: "data_file")
/// let path = projection.required(String.self, id: 100, name: "file_path", in: file)
/// ```
public struct AvroProjection: Hashable, Sendable {
    /// What a field must be.
    indirect enum Kind: Hashable, Sendable {
        case boolean
        case int
        case long
        case double
        case bytes
        case string
        case record
        case list(AvroProjection)

        /// What to call it in a message.
        var name: String {
            switch self {
            case .boolean: "boolean"
            case .int: "int"
            case .long: "long"
            case .double: "double"
            case .bytes: "byte string"
            case .string: "string"
            case .record: "record"
            case .list: "list"
            }
        }
    }

    /// One wanted field.
    struct Field: Hashable, Sendable {
        let id: Int32
        let names: [String]
        let kind: Kind
        let isRequired: Bool
        /// The index of the record field around it; nil at the root.
        let parent: Int?
    }

    /// The wanted fields; a field's index is its slot.
    private(set) var fields: [Field] = []
    /// Whether this describes plain values, in slot 0, and not records.
    private(set) var isPlainValue = false

    /// Nothing yet: no field of a record.
    public init() {}

    /// The elements of a list of plain values, and the slot that holds each of them.
    public static func elements<Value: AvroScalar>(
        of _: Value.Type
    ) -> (projection: AvroProjection, slot: AvroRequired<Value>) {
        var projection = AvroProjection()
        projection.isPlainValue = true
        let field = Field(
            id: -1, names: ["element"], kind: Value.kind.projected, isRequired: true, parent: nil)
        projection.fields.append(field)
        return (projection, AvroRequired(index: 0))
    }

    /// Asks for a field that must be there and must not be null.
    ///
    /// `name`, and `otherNames` that other writers use, find it in files without any field ids.
    public mutating func required<Value: AvroScalar>(
        _: Value.Type, id: Int32, name: String, otherNames: [String] = [],
        in record: AvroRecord? = nil
    ) -> AvroRequired<Value> {
        let names = [name] + otherNames
        return AvroRequired(
            index: add(id, names, Value.kind.projected, isRequired: true, in: record))
    }

    /// Asks for a field that may be null or not there at all.
    public mutating func optional<Value: AvroScalar>(
        _: Value.Type, id: Int32, name: String, otherNames: [String] = [],
        in record: AvroRecord? = nil
    ) -> AvroOptional<Value> {
        let names = [name] + otherNames
        return AvroOptional(
            index: add(id, names, Value.kind.projected, isRequired: false, in: record))
    }

    /// Asks for a record that must be there, so that fields in it can be asked for.
    public mutating func record(
        id: Int32, name: String, in record: AvroRecord? = nil
    ) -> AvroRecord {
        AvroRecord(index: add(id, [name], .record, isRequired: true, in: record))
    }

    /// Asks for a list that may be null or not there, with what is wanted of its elements.
    public mutating func list(
        id: Int32, name: String, of elements: AvroProjection, in record: AvroRecord? = nil
    ) -> AvroList {
        AvroList(index: add(id, [name], .list(elements), isRequired: false, in: record))
    }

    private mutating func add(
        _ id: Int32, _ names: [String], _ kind: Kind, isRequired: Bool, in record: AvroRecord?
    ) -> Int {
        let field = Field(
            id: id, names: names, kind: kind, isRequired: isRequired, parent: record?.index)
        precondition(
            !fields.contains { $0.parent == field.parent && $0.id == id },
            "a field is asked for once")
        fields.append(field)
        return fields.count - 1
    }
}

/// A Swift type that a field can be read as.
public protocol AvroScalar {
    /// Which encodings it reads.
    static var kind: AvroScalarKind { get }
}

/// The encodings that a field can be read from.
public enum AvroScalarKind: Hashable, Sendable {
    /// `boolean`.
    case boolean
    /// `int`, or a `long` whose value fits; PyIceberg writes some fields as wider than they are.
    case int
    /// `int` or `long`.
    case long
    /// `float` or `double`.
    case double
    /// `bytes`, `string` or `fixed`.
    case bytes
    /// `string`.
    case string

    var projected: AvroProjection.Kind {
        switch self {
        case .boolean: .boolean
        case .int: .int
        case .long: .long
        case .double: .double
        case .bytes: .bytes
        case .string: .string
        }
    }
}

extension Bool: AvroScalar {
    /// Reads `boolean`.
    public static var kind: AvroScalarKind { .boolean }
}
extension Int32: AvroScalar {
    /// Reads `int`, and `long` where the value fits.
    public static var kind: AvroScalarKind { .int }
}
extension Int64: AvroScalar {
    /// Reads `int` and `long`.
    public static var kind: AvroScalarKind { .long }
}
extension Double: AvroScalar {
    /// Reads `float` and `double`.
    public static var kind: AvroScalarKind { .double }
}
extension String: AvroScalar {
    /// Reads `string`.
    public static var kind: AvroScalarKind { .string }
}
extension [UInt8]: AvroScalar {
    /// Reads `bytes`, `string` and `fixed`.
    public static var kind: AvroScalarKind { .bytes }
}

/// Where a row keeps a field that every record has.
public struct AvroRequired<Value: AvroScalar>: Hashable, Sendable {
    let index: Int
}

/// Where a row keeps a field that a record may lack.
public struct AvroOptional<Value: AvroScalar>: Hashable, Sendable {
    let index: Int
}

/// A record within the record, in which fields can be asked for.
public struct AvroRecord: Hashable, Sendable {
    let index: Int
}

/// Where a row keeps a list.
public struct AvroList: Hashable, Sendable {
    let index: Int
}
