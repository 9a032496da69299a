// SPDX-License-Identifier: Apache-2.0

/// The schema that a file was written with.
///
/// Logical types, defaults, aliases and documentation do not change how bytes are read, so they
/// are accepted and not kept. Iceberg's ids are.
public struct AvroSchema: Hashable, Sendable {
    /// The type of the file's records.
    public let root: AvroType
    /// The named types, which ``AvroType/named(_:)`` counts into; so a type may contain itself.
    public let definitions: [AvroDefinition]
}

/// How a value is encoded.
public indirect enum AvroType: Hashable, Sendable {
    /// No bytes at all.
    case null
    /// One byte.
    case boolean
    /// A variable-length integer within 32 bits.
    case int
    /// A variable-length integer.
    case long
    /// Four bytes.
    case float
    /// Eight bytes.
    case double
    /// A length and as many bytes.
    case bytes
    /// A length and as many bytes of UTF-8.
    case string
    /// Blocks of elements.
    case array(AvroType)
    /// Blocks of pairs of a string and a value.
    case map(AvroType)
    /// The number of a branch and its value.
    case union([AvroType])
    /// One of the schema's definitions.
    case named(Int)
}

/// A type that has a name.
public struct AvroDefinition: Hashable, Sendable {
    /// The full name, with its namespace.
    public let name: String
    /// What it is.
    public let kind: Kind
    /// How many bytes every value takes; nil if that varies.
    ///
    /// It bounds work by data: what varies takes at least one byte, so a small file cannot make a
    /// reader loop for long, and what does not is skipped in one step, whatever it is made of.
    let size: Int?

    /// What a named type can be.
    public enum Kind: Hashable, Sendable {
        /// Fields one after the other.
        case record([AvroField])
        /// The number of a symbol.
        case enumeration([String])
        /// So many bytes.
        case fixed(Int)
    }
}

/// A field of a record.
public struct AvroField: Hashable, Sendable {
    /// Its name.
    public let name: String
    /// Its Iceberg field id, if the writer gave one.
    public let id: Int32?
    /// Its type.
    public let type: AvroType
}

extension AvroType {
    /// How many bytes every value takes; nil if that varies.
    func size(definition: (Int) -> Int?) -> Int? {
        switch self {
        case .null: 0
        case .boolean: 1
        case .float: 4
        case .double: 8
        case .named(let index): definition(index)
        case .int, .long, .bytes, .string, .array, .map, .union: nil
        }
    }
}

extension AvroSchema {
    /// Whether any field of any record has an Iceberg id.
    var hasFieldIDs: Bool {
        definitions.contains { definition in
            guard case .record(let fields) = definition.kind else { return false }
            return fields.contains { $0.id != nil }
        }
    }
}
