// SPDX-License-Identifier: Apache-2.0

import WireFormat

// Reading the format version, schemas, partition specs and sort orders, with what format version 1
// wrote before there were lists of them. Iceberg spec, Table Metadata Fields.
extension TableMetadata {
    static func readFormatVersion(_ reader: MemberReader) throws(TableMetadataError)
        -> FormatVersion
    {
        let number = try reader.int64("format-version")
        guard let version = Int(exactly: number).flatMap(FormatVersion.init(rawValue:)) else {
            throw .unsupportedFormatVersion(number)
        }
        return version
    }

    static func readSchemas(
        _ reader: MemberReader, _ version: FormatVersion
    ) throws(TableMetadataError) -> ([Schema], Int) {
        let listed = try reader.optionalElements("schemas") {
            value, path throws(TableMetadataError) in
            try Schema(value, at: path)
        }
        guard let listed else {
            guard version == .v1 else { throw reader.failure("schemas", "is missing") }
            let legacy = try readLegacySchema(reader)
            return ([legacy], legacy.id)
        }
        try requireUnique(listed.map(\.id), reader, "schemas", "schema-id")
        if let id = try reader.optionalInt32("current-schema-id") {
            guard listed.contains(where: { $0.id == id }) else {
                throw reader.failure("current-schema-id", "is \(id), which is none of `schemas`")
            }
            return (listed, id)
        }
        guard version == .v1 else { throw reader.failure("current-schema-id", "is missing") }
        return (listed, try currentSchemaID(among: listed, reader))
    }

    private static func readLegacySchema(
        _ reader: MemberReader
    ) throws(TableMetadataError) -> Schema {
        try Schema(reader.required("schema", reader.value("schema")), at: "schema")
    }

    /// Version 1 requires neither `schemas` nor `current-schema-id`, only `schema`, which is the
    /// current one: where the id is left out, that one decides.
    private static func currentSchemaID(
        among listed: [Schema], _ reader: MemberReader
    ) throws(TableMetadataError) -> Int {
        guard reader.value("schema") != nil else {
            throw reader.failure("current-schema-id", "is missing, and so is `schema`")
        }
        let legacy = try readLegacySchema(reader)
        let equal = listed.filter { $0.fields == legacy.fields }
        guard let match = equal.first(where: { $0.id == legacy.id }) ?? equal.last else {
            throw reader.failure(
                "current-schema-id", "is missing, and `schema` is none of `schemas`")
        }
        return match.id
    }

    static func readPartitionSpecs(
        _ reader: MemberReader, _ version: FormatVersion
    ) throws(TableMetadataError) -> ([PartitionSpec], Int) {
        let listed = try reader.optionalElements("partition-specs") {
            value, path throws(TableMetadataError) in
            try PartitionSpec(value, at: path)
        }
        guard let listed else {
            guard version == .v1 else { throw reader.failure("partition-specs", "is missing") }
            let legacy = try readLegacyPartitionSpec(reader)
            guard let legacy else { throw reader.failure("partition-spec", "is missing") }
            return ([legacy], legacy.id)
        }
        try requireUnique(listed.map(\.id), reader, "partition-specs", "spec-id")
        if let id = try reader.optionalInt32("default-spec-id") {
            guard listed.contains(where: { $0.id == id }) else {
                throw reader.failure(
                    "default-spec-id", "is \(id), which is none of `partition-specs`")
            }
            return (listed, id)
        }
        guard version == .v1 else { throw reader.failure("default-spec-id", "is missing") }
        return (listed, try defaultSpecID(among: listed, reader))
    }

    private static func readLegacyPartitionSpec(
        _ reader: MemberReader
    ) throws(TableMetadataError) -> PartitionSpec? {
        guard let fields = try reader.optionalArray("partition-spec") else { return nil }
        return try PartitionSpec(legacyFields: fields, at: "partition-spec")
    }

    /// Version 1 does not require `default-spec-id`.
    ///
    /// `partition-spec` is the default where it is given; else the newest spec, since every
    /// evolution of the spec makes the new one the default.
    private static func defaultSpecID(
        among listed: [PartitionSpec], _ reader: MemberReader
    ) throws(TableMetadataError) -> Int {
        if let legacy = try readLegacyPartitionSpec(reader) {
            guard let match = listed.last(where: { $0.fields == legacy.fields }) else {
                throw reader.failure(
                    "default-spec-id",
                    "is missing, and `partition-spec` is none of `partition-specs`")
            }
            return match.id
        }
        guard let newest = listed.map(\.id).max() else {
            throw reader.failure("partition-specs", "must not be empty")
        }
        return newest
    }

    static func readLastPartitionID(
        _ reader: MemberReader, _ version: FormatVersion, _ specs: [PartitionSpec]
    ) throws(TableMetadataError) -> Int {
        if let id = try reader.optionalInt32("last-partition-id") { return id }
        guard version == .v1 else { throw reader.failure("last-partition-id", "is missing") }
        return specs.flatMap(\.fields).map(\.id).max() ?? PartitionSpec.firstFieldID - 1
    }

    static func readSortOrders(
        _ reader: MemberReader, _ version: FormatVersion
    ) throws(TableMetadataError) -> ([SortOrder], Int) {
        let listed = try reader.optionalElements("sort-orders") {
            value, path throws(TableMetadataError) in
            try SortOrder(value, at: path)
        }
        guard let listed else {
            guard version == .v1 else { throw reader.failure("sort-orders", "is missing") }
            return ([.unsorted], SortOrder.unsortedID)
        }
        try requireUnique(listed.map(\.id), reader, "sort-orders", "order-id")
        guard let id = try reader.optionalInt32("default-sort-order-id") else {
            // Only version 1 may leave it out, and then nothing says that rows are to be sorted.
            guard version == .v1 else {
                throw reader.failure("default-sort-order-id", "is missing")
            }
            return (listed, SortOrder.unsortedID)
        }
        guard id == SortOrder.unsortedID || listed.contains(where: { $0.id == id }) else {
            throw reader.failure(
                "default-sort-order-id", "is \(id), which is none of `sort-orders`")
        }
        return (listed, id)
    }

    private static func requireUnique(
        _ ids: [Int], _ reader: MemberReader, _ list: String, _ member: String
    ) throws(TableMetadataError) {
        var seen: Set<Int> = []
        for (index, id) in ids.enumerated() where !seen.insert(id).inserted {
            throw reader.failure("\(list)[\(index)].\(member)", "is there twice: \(id)")
        }
    }
}
