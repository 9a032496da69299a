// SPDX-License-Identifier: Apache-2.0

import AWSSigning
import FileSystemCatalog
import Foundation
import GRDB
import HTTPExchange
import IcebergCatalog
import IcebergSpec
import NativeEngine
import ObjectStorage
import SQLCatalog
import StorageTestSupport
import Synchronization
import TestSupport
import WireFormat

@testable import GlueCatalog
@testable import RESTCatalog

/// How a call to a catalog goes wrong.
enum CatalogFault: CaseIterable, Sendable {
    /// It is carried out, and its answer is an error.
    case errorAfterSuccess
    /// The connection ends before it is carried out.
    case cutBefore
    /// It is carried out, and the connection ends instead of an answer.
    case cutAfter
}

/// A catalog with one table, of which the next commit, or all looks, can be made to fail for real.
protocol FailingCatalog: Sendable {
    associatedtype Tables: Catalog
    /// The table's name in it.
    var table: TableIdentifier { get }
    /// A handle of its own, as another process would have.
    func catalog() throws -> Tables
    /// Makes the next commit fail.
    func failCommit(_ fault: CatalogFault) async throws
    /// Makes the next look at the table fail, with all of its tries.
    func failLooks(_ fault: CatalogFault) async throws
    /// Ends whatever was made to fail.
    func heal() async throws
}

/// Each kind of catalog that commits go to.
enum FailingCatalogKind: CaseIterable, Sendable {
    case fileSystem, sqlite, postgres, rest, glue

    /// What can be run here; those that need a server only where that is installed.
    static let available = allCases.filter { kind in
        switch kind {
        case .fileSystem, .sqlite: true
        case .postgres: PostgresCluster.isAvailable
        case .rest, .glue: Oracles.isAvailable
        }
    }

    /// Takes over a table whose current metadata file is known.
    func make(_ table: ManifestTable) async throws -> any FailingCatalog {
        if self == .fileSystem { return FailingFolders(folder: table.folder.location) }
        let metadata = try table.moveMetadataToPointer()
        switch self {
        case .fileSystem: return FailingFolders(folder: table.folder.location)
        case .sqlite: return try FailingSQLite(table.folder, metadata)
        case .postgres: return try await FailingPostgres(metadata)
        case .rest: return try await FailingREST(table.folder, metadata)
        case .glue: return try await FailingGlue(metadata)
        }
    }
}

extension ManifestTable {
    /// Gives the current metadata file the name that it has in catalogs that keep a pointer, and
    /// removes those that no catalog knows then.
    func moveMetadataToPointer() throws -> String {
        let names = try metadataFiles().filter { $0.hasSuffix(".metadata.json") }
        let version = names.compactMap { Int($0.dropFirst().prefix { $0.isNumber }) }.max() ?? 0
        let folder = "\(location)/metadata"
        let new = "\(folder)/0000\(version)-\(UUID().uuidString.lowercased()).metadata.json"
        try FileManager.default.moveItem(
            atPath: "\(folder)/v\(version).metadata.json", toPath: new)
        for name in ["version-hint.text"] + names.filter({ $0 != "v\(version).metadata.json" }) {
            try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
        return new
    }
}

/// Hadoop's layout, whose calls are those of the storage.
final class FailingFolders: FailingCatalog {
    let table = ManifestTable.identifier
    private let folder: Location
    private let storage = Mutex(FaultyStorage(LocalStorage()))

    init(folder: Location) { self.folder = folder }

    func catalog() -> FileSystemCatalog<FaultyStorage<LocalStorage>> {
        FileSystemCatalog(name: "test", warehouse: folder, storage: storage.withLock { $0 })
    }

    func failCommit(_ fault: CatalogFault) async throws {
        let name = "/v\(try await version() + 1).metadata.json"
        let storage = storage.withLock { $0 }
        switch fault {
        case .cutBefore: storage.inject(StorageFault(.write, .before, of: name))
        case .errorAfterSuccess: storage.inject(StorageFault(.write, .after, of: name))
        case .cutAfter:
            storage.inject(StorageFault(.write, .after, of: name))
            storage.inject(StorageFault(.read, .before, of: name))
        }
    }

    /// Not by the hint, which stays behind where a commit's answer was lost.
    private func version() async throws -> Int {
        let names = try await LocalStorage().children(of: folder.appending("ns/t/metadata"))
            .map(\.name).filter { $0.hasSuffix(".metadata.json") }
        return names.compactMap { Int($0.dropFirst().prefix { $0.isNumber }) }.max() ?? 0
    }

    func failLooks(_ fault: CatalogFault) {
        let moment: StorageFault.Moment = fault == .cutBefore ? .before : .after
        storage.withLock { $0 }.inject(StorageFault(.read, moment, of: ".metadata.json"))
    }

    func heal() { storage.withLock { $0 = FaultyStorage(LocalStorage()) } }
}

/// An SQL catalog in a file.
///
/// There is no wire to cut: what is lost is what SQLite says of COMMIT.
final class FailingSQLite: FailingCatalog {
    let table = ManifestTable.identifier
    private let path: String
    private let next = NextFault()

    init(_ folder: ScratchFolder, _ metadata: String) throws {
        path = folder.path + "/catalog.db"
        let queue = try DatabaseQueue(path: path)
        try queue.write { try $0.execute(sql: SQLTable.statements(metadata)) }
    }

    func catalog() throws -> ForgetfulCatalog<SQLCatalog<LocalStorage>> {
        ForgetfulCatalog(
            base: try SQLCatalog(name: "test", uri: "sqlite:///" + path, storage: LocalStorage()),
            next: next)
    }

    func failCommit(_ fault: CatalogFault) { next.fault.withLock { $0 = fault } }

    /// The file is away, is no database, or has no table.
    func failLooks(_ fault: CatalogFault) throws {
        let files = FileManager.default
        try files.copyItem(atPath: path, toPath: path + ".kept")
        switch fault {
        case .cutBefore: try files.removeItem(atPath: path)
        case .cutAfter:
            try Data(repeating: 1, count: 8192).write(to: URL(filePath: path))
        case .errorAfterSuccess:
            try DatabaseQueue(path: path).write { try $0.execute(sql: "DROP TABLE iceberg_tables") }
        }
    }

    func heal() throws {
        next.fault.withLock { $0 = nil }
        let files = FileManager.default
        guard files.fileExists(atPath: path + ".kept") else { return }
        if files.fileExists(atPath: path) { try files.removeItem(atPath: path) }
        try files.moveItem(atPath: path + ".kept", toPath: path)
    }
}

/// What is to happen to the next commit.
final class NextFault: Sendable {
    let fault = Mutex<CatalogFault?>(nil)
}

/// A catalog that once does not know what it did.
struct ForgetfulCatalog<Base: Catalog>: ForwardingCatalog {
    let base: Base
    let next: NextFault

    func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement], to identifier: TableIdentifier,
        base table: LoadedTable, under commitGuard: CommitGuard
    ) async -> CommitOutcome {
        let fault = next.fault.withLock { fault in
            defer { fault = nil }
            return fault
        }
        let lost = "the answer to COMMIT was lost"
        if fault == .cutBefore { return .unknown(reason: lost, metadataLocation: nil) }
        let outcome = await base.commit(
            updates, requirements: requirements, to: identifier, base: table, under: commitGuard)
        guard let fault, case .committed(let after) = outcome else { return outcome }
        return .unknown(
            reason: lost, metadataLocation: fault == .cutAfter ? nil : after.metadataLocation)
    }
}

/// The catalog's table as PyIceberg and Java first made it.
enum SQLTable {
    static func statements(_ metadata: String) -> String {
        """
        CREATE TABLE iceberg_tables (
            catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL,
            table_name VARCHAR(255) NOT NULL, metadata_location VARCHAR(1000),
            previous_metadata_location VARCHAR(1000),
            PRIMARY KEY (catalog_name, table_namespace, table_name));
        INSERT INTO iceberg_tables VALUES ('test', 'ns', 't', '\(metadata)', NULL);
        """
    }
}

/// The Iceberg REST protocol; the server's faults are those of `rest_catalog.py`.
struct FailingREST: FailingCatalog {
    let table = ManifestTable.identifier
    private let server: RESTServer.Catalog

    init(_ folder: ScratchFolder, _ metadata: String) async throws {
        server = try await RESTServer.shared().makeCatalog(folder: folder.path)
        try await server.register(
            namespace: table.namespace, name: table.name, location: metadata)
    }

    func catalog() throws -> RESTCatalog {
        try RESTCatalog(
            RESTCatalogSettings(name: "test", uri: server.uri),
            RESTClient.Surroundings(pause: { _ in }))
    }

    func failCommit(_ fault: CatalogFault) async throws { try await inject("POST", fault) }

    func failLooks(_ fault: CatalogFault) async throws {
        for _ in 0..<RESTLimits.tries { try await inject("GET", fault) }
    }

    private func inject(_ method: String, _ fault: CatalogFault) async throws {
        var order = fault.order
        order["match"] = .string("\(method) .*/tables/t")
        try await server.inject(.object(order))
    }

    func heal() {}
}

/// AWS Glue, as moto has it; the faults are those of `moto_glue.py`.
struct FailingGlue: FailingCatalog {
    let table = ManifestTable.identifier
    private let server: GlueServer

    /// A server of its own: faults are not for one database alone.
    init(_ metadata: String) async throws {
        server = try await .start()
        try await server.pyIceberg("register", "ns.t", metadata)
    }

    func catalog() -> GlueCatalog<LocalStorage> {
        let credentials = AWSCredentials(
            accessKeyID: server.accessKeyID, secretAccessKey: server.secretAccessKey)
        let signer = AWSCallSigner(
            region: "us-east-1", service: "glue",
            now: { Int64(Date().timeIntervalSince1970 * 1000) },
            credentials: { () throws(SigningFailure) in credentials })
        let settings = GlueCatalogSettings(name: "test", endpoint: server.endpoint) {
            (call) throws(SigningFailure) in try await signer.headers(for: call)
        }
        return GlueCatalog(settings, storage: LocalStorage(), pause: { _ in })
    }

    func failCommit(_ fault: CatalogFault) async throws {
        try await server.inject("UpdateTable", fault.order)
    }

    func failLooks(_ fault: CatalogFault) async throws {
        for _ in 0..<GlueClient.tries { try await server.inject("GetTable", fault.order) }
    }

    func heal() {}
}

extension CatalogFault {
    /// As the test servers are told of it.
    fileprivate var order: JSONObject {
        switch self {
        case .errorAfterSuccess:
            JSONObject([.init(key: "status", value: 502), .init(key: "after", value: true)])
        case .cutBefore: JSONObject([.init(key: "cut", value: "before")])
        case .cutAfter: JSONObject([.init(key: "cut", value: "after")])
        }
    }
}
