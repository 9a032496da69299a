// SPDX-License-Identifier: Apache-2.0

public import HTTPExchange
public import IcebergCatalog
public import IcebergSpec
public import ObjectStorage
import WireFormat

/// Where a Glue Data Catalog is.
public struct GlueCatalogSettings: Sendable {
    /// The catalog's name, for messages.
    public var name: String
    /// `https://glue.<region>.amazonaws.com`, or another that speaks the same protocol; without a
    /// slash at its end.
    public var endpoint: String
    /// The account whose catalog it is; nil for the one that signs.
    public var catalogID: String?
    /// Signs every call.
    public var signing: CallSigning
    /// Limits of calls, and the certificates to trust.
    public var exchange = HTTPExchanger.Settings()

    /// The catalog of the account that signs.
    public init(name: String, endpoint: String, signing: @escaping CallSigning) {
        self.name = name
        self.endpoint = endpoint
        self.signing = signing
    }

    /// Amazon's endpoint of a region.
    public static func endpoint(region: String) -> String {
        let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        return "https://glue.\(region).\(domain)"
    }
}

/// A catalog in AWS Glue, shared with every other Iceberg client of it.
///
/// Glue keeps, for each table, the location of its current metadata file among the table's
/// parameters. A commit writes the next file and updates the table from the version that was read
/// and from no other; Glue keeps no archive of versions, of which the metadata log is one already.
public struct GlueCatalog<Storage: ObjectStorage>: Catalog {
    /// The catalog's name, for messages.
    public let name: String
    private let client: GlueClient
    private let files: MetadataFiles<Storage>

    /// The most databases, and tables of one, that are listed.
    private static var maximumCount: Int { 1_000_000 }
    /// The most pages of a list.
    private static var maximumPages: Int { 100_000 }

    /// Serves a catalog; nothing is sent before the first call.
    public init(_ settings: GlueCatalogSettings, storage: Storage) {
        self.init(settings, storage: storage) { try await ContinuousClock().sleep(for: $0) }
    }

    /// With pauses between tries of a test's own.
    package init(
        _ settings: GlueCatalogSettings, storage: Storage,
        pause: @escaping @Sendable (Duration) async throws -> Void
    ) {
        name = settings.name
        client = GlueClient(settings, pause: pause)
        files = MetadataFiles(storage: storage)
    }

    /// Every Iceberg table of every database, in order.
    public func listTables() async throws(CatalogError) -> [TableIdentifier] {
        do throws(GlueFailure) {
            var tables: [TableIdentifier] = []
            for database in try await pages("GetDatabases", [:], "DatabaseList") {
                guard let name = database.objectValue?["Name"]?.stringValue else {
                    throw .nonsense(reason: "one of Glue's databases has no name")
                }
                tables += try await self.tables(of: name)
            }
            return tables.sorted()
        } catch {
            throw error.catalogError
        }
    }

    private func tables(of database: String) async throws(GlueFailure) -> [TableIdentifier] {
        let entries: [JSONValue]
        do throws(GlueFailure) {
            entries = try await pages(
                "GetTables", ["DatabaseName": .string(database)], "TableList")
        } catch {
            // Dropped between the two lists, with everything in it.
            if error.isMissing { return [] }
            throw error
        }
        var tables: [TableIdentifier] = []
        for entry in entries {
            guard let description = entry.objectValue else {
                throw .nonsense(reason: "one of Glue's tables is no object")
            }
            let table = GlueTable(description: description)
            guard table.isIceberg else { continue }
            guard let name = table.name else {
                throw .nonsense(reason: "one of Glue's tables has no name")
            }
            tables.append(TableIdentifier(namespace: [database], name: name))
        }
        return tables
    }

    private func pages(
        _ operation: String, _ arguments: [String: JSONValue], _ member: String
    ) async throws(GlueFailure) -> [JSONValue] {
        var elements: [JSONValue] = []
        var token: String?
        for _ in 0..<Self.maximumPages {
            var page = JSONObject(arguments.map { .init(key: $0.key, value: $0.value) })
            if let token { page["NextToken"] = .string(token) }
            let reply = try await client.look(operation, page)
            guard let more = reply[member]?.arrayValue else {
                throw .nonsense(reason: "Glue's reply has no \(member)")
            }
            elements += more
            guard elements.count <= Self.maximumCount else {
                throw .nonsense(reason: "a list has more than \(Self.maximumCount) elements")
            }
            // A page may be empty and not the last.
            guard let next = reply["NextToken"]?.stringValue, !next.isEmpty else { return elements }
            guard next != token else {
                throw .nonsense(reason: "Glue's list leads to the same page")
            }
            token = next
        }
        throw .nonsense(reason: "a list has more than \(Self.maximumPages) pages")
    }

    /// The table's current metadata, read now.
    public func loadTable(_ identifier: TableIdentifier) async throws(CatalogError) -> LoadedTable {
        try await files.load(pointer(of: identifier).location, of: identifier)
    }

    private func pointer(
        of identifier: TableIdentifier
    ) async throws(CatalogError) -> (table: GlueTable, location: Location) {
        guard identifier.namespace.count == 1, let database = identifier.namespace.first,
            !database.isEmpty, !identifier.name.isEmpty
        else { throw .noSuchTable(identifier) }
        let reply: JSONObject
        do throws(GlueFailure) {
            reply = try await client.look(
                "GetTable",
                JSONObject([
                    .init(key: "DatabaseName", value: .string(database)),
                    .init(key: "Name", value: .string(identifier.name)),
                ]))
        } catch {
            throw error.catalogError(about: identifier)
        }
        let table = GlueTable(description: reply["Table"]?.objectValue ?? JSONObject())
        guard table.isIceberg else {
            throw .unreadableTable(
                identifier,
                reason: "it is no Iceberg table: its table_type is \(table.tableType ?? "not set")")
        }
        guard let location = table.metadataLocation else {
            throw .unreadableTable(identifier, reason: "Glue has no metadata_location for it")
        }
        return (table, location)
    }

    /// Applies updates to the table if every requirement holds, by updating the version that was
    /// read.
    public func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement],
        to identifier: TableIdentifier, base: LoadedTable, under commitGuard: CommitGuard
    ) async -> CommitOutcome {
        let current: GlueTable
        let location: Location
        do throws(CatalogError) {
            (current, location) = try await pointer(of: identifier)
        } catch {
            return .refused(CommitRefusal(reading: error))
        }
        guard let version = current.versionID else {
            return .refused(
                .rejected(reason: "Glue gave no version of \(identifier) to commit on"))
        }
        return await PointerSwap(files: files).commit(
            updates, requirements: requirements, base: base, under: commitGuard,
            pointer: { location },
            swap: { from, to in
                await update(
                    identifier, current.input(metadataLocation: to, previous: from),
                    version: version, under: commitGuard)
            })
    }

    private func update(
        _ identifier: TableIdentifier, _ input: JSONObject, version: String,
        under commitGuard: CommitGuard
    ) async -> SwapOutcome {
        do throws(GlueFailure) {
            _ = try await client.call(
                "UpdateTable",
                JSONObject([
                    .init(key: "DatabaseName", value: .string(identifier.namespace[0])),
                    .init(key: "TableInput", value: .object(input)),
                    .init(key: "SkipArchive", value: true),
                    .init(key: "VersionId", value: .string(version)),
                ]), under: commitGuard)
            return .swapped
        } catch {
            return error.swapOutcome
        }
    }
}
