// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import ObjectStorage
import WireFormat

/// Reads the replies that hold a table.
enum TableReply {
    /// The table in a reply to a load or to a commit.
    static func table(
        _ reply: JSONObject, _ identifier: TableIdentifier, access: StorageAccess
    ) throws(RESTFailure) -> LoadedTable {
        guard let location = reply["metadata-location"]?.stringValue, !location.isEmpty else {
            throw .nonsense(reason: "the server does not say where the metadata file is")
        }
        guard let document = reply["metadata"] else {
            throw .nonsense(reason: "the server's reply has no metadata")
        }
        do throws(TableMetadataError) {
            return LoadedTable(
                identifier: identifier, metadataLocation: Location(location),
                metadata: try TableMetadata(document), storageAccess: access)
        } catch {
            throw .nonsense(reason: "\(error) (in \(location))")
        }
    }

    /// What a load's reply says about reaching the files.
    static func access(_ reply: JSONObject) throws(RESTFailure) -> StorageAccess {
        var credentials: [StorageAccess.Credentials] = []
        for value in reply["storage-credentials"]?.arrayValue ?? [] {
            guard let entry = value.objectValue, let prefix = entry["prefix"]?.stringValue else {
                throw .nonsense(reason: "one of the server's storage-credentials has no prefix")
            }
            credentials.append(.init(prefix: prefix, properties: strings(entry["config"])))
        }
        return StorageAccess(properties: strings(reply["config"]), credentials: credentials)
    }

    private static func strings(_ value: JSONValue?) -> [String: String] {
        var strings: [String: String] = [:]
        // What is null is not set; what is no text is no setting that we know.
        for member in value?.objectValue?.members ?? [] {
            strings[member.key] = member.value.stringValue
        }
        return strings
    }
}
