// SPDX-License-Identifier: Apache-2.0

import HTTPExchange
public import IcebergCatalog
import ObjectStorage
import WireFormat

/// A catalog behind the Iceberg REST protocol.
///
/// The server holds the tables' metadata and writes it; a commit is a list of requirements and
/// updates that the server applies at once or not at all. Nothing is sent before the first call.
public struct RESTCatalog: Catalog {
    /// The catalog's name, for messages.
    public var name: String { client.settings.name }
    let client: RESTClient

    /// Serves the catalog of a server.
    ///
    /// - Throws: ``CatalogError/denied(reason:)`` for settings that cannot be used.
    public init(_ settings: RESTCatalogSettings) throws(CatalogError) {
        try self.init(settings, RESTClient.Surroundings())
    }

    init(
        _ settings: RESTCatalogSettings, _ surroundings: RESTClient.Surroundings
    ) throws(CatalogError) {
        client = try RESTClient(settings, surroundings)
    }

    /// The table's current metadata, read now, with every snapshot.
    public func loadTable(_ identifier: TableIdentifier) async throws(CatalogError) -> LoadedTable {
        guard let table = try await find(identifier) else { throw .noSuchTable(identifier) }
        return table
    }

    /// Nil for a table that no URL can name.
    private func find(_ identifier: TableIdentifier) async throws(CatalogError) -> LoadedTable? {
        do throws(RESTFailure) {
            let endpoint = try await client.config().endpoint
            guard endpoint.canName(identifier) else { return nil }
            var headers: [HTTPField] = []
            if client.settings.asksForCredentials {
                headers = [HTTPField("X-Iceberg-Access-Delegation", "vended-credentials")]
            }
            let reply = try await client.get(
                endpoint.table(identifier) + "?snapshots=all", headers: headers,
                limit: RESTLimits.tableReplyBytes)
            return try TableReply.table(reply, identifier, access: try TableReply.access(reply))
        } catch {
            throw CatalogError(error, about: identifier)
        }
    }
}
