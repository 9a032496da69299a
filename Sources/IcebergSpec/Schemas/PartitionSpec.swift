// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// How a table's rows are divided into partitions.
public struct PartitionSpec: Hashable, Sendable {
    /// Its id.
    public let id: Int
    /// The parts of the partition tuple in order; none for an unpartitioned table.
    public let fields: [PartitionField]

    /// Field ids of partition fields are counted from here.
    public static let firstFieldID = 1000

    /// Whether there is one partition only: no field, or none but dropped ones.
    public var isUnpartitioned: Bool { fields.allSatisfy { $0.transform == .void } }

    /// Reads an entry of `partition-specs`.
    public init(_ value: JSONValue, at path: String = "") throws(TableMetadataError) {
        let reader = try MemberReader(value, at: path)
        id = try reader.int32("spec-id")
        fields = try Self.fields(
            try reader.required("fields", try reader.optionalArray("fields")),
            at: reader.path(of: "fields"))
    }

    /// Reads the `partition-spec` of format version 1, which is a list of fields without an id.
    init(legacyFields values: [JSONValue], at path: String) throws(TableMetadataError) {
        id = 0
        fields = try Self.fields(values, at: path)
    }

    /// Format version 1 did not write field ids; readers count them from 1000, in every spec anew.
    ///
    /// A mixture of fields with and without ids could only be guessed at.
    private static func fields(
        _ values: [JSONValue], at path: String
    ) throws(TableMetadataError) -> [PartitionField] {
        var fields: [PartitionField] = []
        var statedIDs = 0
        for (index, value) in values.enumerated() {
            let reader = try MemberReader(value, at: "\(path)[\(index)]")
            let statedID = try reader.optionalInt32("field-id")
            statedIDs += statedID == nil ? 0 : 1
            fields.append(try PartitionField(reader, id: statedID ?? firstFieldID + index))
        }
        guard statedIDs == 0 || statedIDs == values.count else {
            throw .invalid(path: path, reason: "has fields with and without field-id")
        }
        guard Set(fields.map(\.id)).count == fields.count else {
            throw .invalid(path: path, reason: "has two fields with the same field-id")
        }
        return fields
    }
}

/// One part of a partition tuple.
public struct PartitionField: Hashable, Sendable {
    /// The columns it is made from, by field id; more than one only in format version 3.
    public let sourceIDs: [Int]
    /// Its field id in partition tuples.
    public let id: Int
    /// Its name.
    public let name: String
    /// How its value is made.
    public let transform: Transform

    init(_ reader: MemberReader, id: Int) throws(TableMetadataError) {
        sourceIDs = try readSourceIDs(reader)
        self.id = id
        name = try reader.string("name")
        transform = Transform(try reader.string("transform"))
    }
}

/// `source-id`, or `source-ids` as format version 3 has it for transforms of several columns.
func readSourceIDs(_ reader: MemberReader) throws(TableMetadataError) -> [Int] {
    if let sourceID = try reader.optionalInt32("source-id") { return [sourceID] }
    let ids = try reader.optionalElements("source-ids") { value, path throws(TableMetadataError) in
        guard let id = value.intValue else {
            throw .invalid(path: path, reason: "must be an integer, not \(value.kindName)")
        }
        return id
    }
    guard let ids, !ids.isEmpty else { throw reader.failure("source-id", "is missing") }
    return ids
}
