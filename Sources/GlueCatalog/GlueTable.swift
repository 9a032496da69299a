// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import WireFormat

/// A table as Glue describes it.
struct GlueTable: Hashable, Sendable {
    /// Glue's description, with much that is not ours.
    let description: JSONObject

    private static let typeParameter = "table_type"
    private static let locationParameter = "metadata_location"
    private static let previousParameter = "previous_metadata_location"

    /// What of a description may be written again; Glue keeps the rest itself.
    private static let writable: Set<String> = [
        "Name", "Description", "Owner", "LastAccessTime", "LastAnalyzedTime", "Retention",
        "StorageDescriptor", "PartitionKeys", "ViewOriginalText", "ViewExpandedText", "TableType",
        "Parameters", "TargetTable",
    ]

    var name: String? { description["Name"]?.stringValue }

    /// What its type is said to be; nil for tables that are not Iceberg's.
    var tableType: String? { parameters[Self.typeParameter]?.stringValue }

    /// Whether it is an Iceberg table, as every Iceberg client of Glue tells.
    var isIceberg: Bool { tableType?.lowercased() == "iceberg" }

    /// Where its metadata is; nil if it does not say.
    var metadataLocation: Location? {
        guard let text = parameters[Self.locationParameter]?.stringValue, !text.isEmpty else {
            return nil
        }
        return Location(text)
    }

    /// The version that an update must name to be the next one.
    var versionID: String? {
        description["VersionId"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
    }

    private var parameters: JSONObject { description["Parameters"]?.objectValue ?? JSONObject() }

    /// The description to write for new metadata: the same table, but for two parameters.
    func input(metadataLocation: Location, previous: Location) -> JSONObject {
        var parameters = parameters
        parameters[Self.locationParameter] = .string(metadataLocation.rawValue)
        parameters[Self.previousParameter] = .string(previous.rawValue)
        var input = JSONObject(
            description.members.filter { Self.writable.contains($0.key) && !$0.value.isNull })
        input["Parameters"] = .object(parameters)
        return input
    }
}
