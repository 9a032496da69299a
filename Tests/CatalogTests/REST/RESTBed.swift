// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import ObjectStorage
import StorageTestSupport
import TestSupport
public import WireFormat

@testable import RESTCatalog

/// A catalog of `rest_catalog.py`, whose storage is the server's own.
struct RESTBed: CatalogBed {
    let scratch: ScratchFolder
    let server: RESTServer.Catalog

    init(_ options: JSONObject = JSONObject()) async throws {
        scratch = try ScratchFolder()
        server = try await RESTServer.shared().makeCatalog(folder: scratch.path, options: options)
    }

    var settings: RESTCatalogSettings { RESTCatalogSettings(name: "test", uri: server.uri) }

    func catalog(_ storage: TestStorage) throws -> RESTCatalog { try catalog(settings) }

    /// One that pauses for no time at all.
    func catalog(_ settings: RESTCatalogSettings) throws -> RESTCatalog {
        try RESTCatalog(settings, RESTClient.Surroundings(pause: { _ in }))
    }

    /// Without pauses, as most tests want it.
    func catalog() throws -> RESTCatalog { try catalog(settings) }

    func add(_ identifier: TableIdentifier, _ table: SampleTable) async throws {
        try await LocalStorage().write(table.bytes, to: table.firstFile, condition: .none)
        try await server.register(
            namespace: identifier.namespace, name: identifier.name,
            location: table.firstFile.rawValue)
    }

    /// A table `db.t` with three snapshots.
    func addTable(_ name: String = "db.t") async throws -> TableIdentifier {
        let identifier = TableIdentifier(name)
        try await add(identifier, SampleTable(location: location(identifier)))
        return identifier
    }

    /// The commits that the server was sent.
    func commits() async throws -> [JSONObject] {
        try await server.calls().filter {
            $0["method"] == "POST" && $0["path"]?.stringValue?.contains("/tables/") == true
        }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// Writes a dictionary literal in a test as this object.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(elements.map { Member(key: $0.0, value: $0.1) })
    }

    /// What a request to the server brought under a header.
    func header(_ name: String) -> String? { self["headers"]?.objectValue?[name]?.stringValue }
}

extension CommitOutcome {
    /// The case and, for refusals, their kind.
    var kind: String {
        switch self {
        case .committed: "committed"
        case .refused(.conflict): "conflict"
        case .refused(.unavailable): "unavailable"
        case .refused(.rejected): "rejected"
        case .unknown: "unknown"
        }
    }
}

extension CatalogError {
    /// The case.
    var kind: String {
        switch self {
        case .noSuchTable: "missing"
        case .unreadableTable: "unreadable"
        case .unavailable: "unavailable"
        case .denied: "denied"
        }
    }
}

/// What a call failed with, or nil.
func catalogError<Value>(_ body: () async throws(CatalogError) -> Value) async -> CatalogError? {
    do throws(CatalogError) {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}
