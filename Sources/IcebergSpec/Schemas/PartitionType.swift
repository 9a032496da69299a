// SPDX-License-Identifier: Apache-2.0

/// What the values of one field of a partition tuple are.
public struct PartitionFieldType: Hashable, Sendable {
    /// The partition field's id.
    public let id: Int
    /// Its name.
    public let name: String
    /// The type of its values.
    public let type: PrimitiveType

    /// Takes every field.
    public init(id: Int, name: String, type: PrimitiveType) {
        self.id = id
        self.name = name
        self.type = type
    }
}

/// A partition spec whose tuples cannot be read or written.
public struct UnknownPartitionType: Error, Hashable, Sendable, CustomStringConvertible {
    /// The spec.
    public let specID: Int
    /// The field.
    public let field: String
    /// What is wrong with it.
    public let reason: String

    /// Takes every field.
    public init(specID: Int, field: String, reason: String) {
        self.specID = specID
        self.field = field
        self.reason = reason
    }

    /// The text form, for logs and messages.
    public var description: String {
        "the field \(field) of the partition spec \(specID) \(reason)"
    }
}

extension TableMetadata {
    /// The types of the tuples of a partition spec.
    ///
    /// A column that was dropped since is found in the newest schema that had it.
    ///
    /// Iceberg spec, Partition Transforms.
    public func partitionType(
        of spec: PartitionSpec
    ) throws(UnknownPartitionType) -> [PartitionFieldType] {
        var types: [PartitionFieldType] = []
        for field in spec.fields {
            func failure(_ reason: String) -> UnknownPartitionType {
                UnknownPartitionType(specID: spec.id, field: field.name, reason: reason)
            }
            let source = field.sourceIDs.first.flatMap { sourceType(of: $0) }
            let type: PrimitiveType
            switch field.transform {
            case .bucket, .year, .month, .hour: type = .int
            case .day: type = .date
            case .void:
                // Nothing but nulls, whatever the column was.
                if case .primitive(let primitive)? = source {
                    type = primitive
                } else {
                    type = .unknown
                }
            case .identity, .truncate:
                guard case .primitive(let primitive)? = source else {
                    throw failure("has a source column that no schema has, or that is nested")
                }
                type = primitive
            case .unknown(let name): throw failure("has the unknown transform \(name)")
            }
            switch type {
            case .geometry, .geography: throw failure("has the type \(type)")
            case .boolean, .int, .long, .float, .double, .decimal, .date, .time, .timestamp,
                .timestamptz, .timestampNanoseconds, .timestamptzNanoseconds, .string, .uuid,
                .fixed, .binary, .unknown:
                break
            }
            types.append(PartitionFieldType(id: field.id, name: field.name, type: type))
        }
        return types
    }

    private func sourceType(of id: Int) -> FieldType? {
        if let type = schema(currentSchemaID)?.field(id)?.type { return type }
        let newestFirst = schemas.sorted { $0.id > $1.id }
        return newestFirst.lazy.compactMap { $0.field(id)?.type }.first
    }
}
