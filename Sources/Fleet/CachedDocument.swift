// SPDX-License-Identifier: Apache-2.0

public import Jobs
public import WireFormat

/// The documents about a table as the last look at it left them.
public struct CachedDocument: Sendable {
    private let recorded: RecordedObservation
    private let isStale: Bool
    private let lastError: String?

    /// Takes the last look, and what the catalog's listing knows of the table now.
    ///
    /// It is stale when the look after it failed, when a later listing names another metadata file
    /// or no such table any more, or when it is older than the limit.
    ///
    /// - Parameter listedAt: when the listing ended.
    public init(
        _ recorded: RecordedObservation, listed: CachedTable?, listedAt: Timestamp?,
        staleAfter limit: Duration?
    ) {
        self.recorded = recorded
        lastError =
            listed == nil ? InspectionError.noSuchTable.description : recorded.lastError
        let observation = recorded.observation
        let isListedLater = listedAt.map { $0 >= observation.collectedAt } ?? true
        let hasMoved =
            isListedLater
            && (listed?.metadataLocation.map { $0 != observation.metadataLocation } ?? false)
        let isOld = limit.map { recorded.age > $0 } ?? false
        isStale = lastError != nil || hasMoved || isOld
    }

    /// The REST contract's status; nil where the table could never be read.
    public var status: JSONValue? {
        // Spelled out: a bare nil would be JSON's null.
        recorded.observation.metadataLocation.isEmpty
            ? Optional.none : .some(noted(recorded.observation.status))
    }

    /// The REST contract's health.
    public var health: JSONValue { noted(recorded.observation.health) }

    /// An assessment of the past, with the table that it is about.
    public static func assessment(_ recorded: RecordedHealth) -> JSONValue {
        var members = JSONObject([
            .init(key: "database", value: .string(recorded.table.database)),
            .init(key: "table_name", value: .string(recorded.table.table)),
            .init(key: "collected_at", value: .string(recorded.collectedAt.description)),
        ])
        for member in recorded.health.objectValue?.members ?? [] where member.key != "collection" {
            members[member.key] = member.value
        }
        members["last_error"] = .optional(recorded.lastError)
        return .object(members)
    }

    private func noted(_ document: JSONValue) -> JSONValue {
        guard var object = document.objectValue,
            var collection = object["collection"]?.objectValue
        else { return document }
        collection["source"] = .string(CollectionNote.Source.cached.rawValue)
        collection["collected_at"] = .string(recorded.observation.collectedAt.description)
        collection["stale"] = .bool(isStale)
        collection["last_error"] = .optional(lastError)
        object["collection"] = .object(collection)
        return .object(object)
    }
}
