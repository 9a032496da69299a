// SPDX-License-Identifier: Apache-2.0

import Demonstration
import IcebergCatalog
import IcepackRuntime
import Maintenance
import ObjectStorage
import WireFormat

/// Shows what full maintenance does to tables: looks, submits a job for each, looks again.
struct DemoRun<Tables: Catalog, Storage: ObjectStorage> {
    let client: APIClient
    let catalog: Tables
    let storage: Storage
    let host: DemoHost

    private var view: DemoView { host.view }

    /// Shows it.
    ///
    /// - Throws: ``DemoFault`` if a job fails or a table reads differently afterwards.
    func show(_ tables: [WrittenDemoTable]) async throws {
        let before = try await figures(of: tables)
        view.heading("Maintaining them: all five actions, queued and run by the service's workers")
        for table in tables { try await maintain(table) }
        let after = try await figures(of: tables)
        let results = zip(tables, zip(before, after)).map {
            DemoResult(written: $0, before: $1.0, after: $1.1)
        }
        view.heading("Before and after")
        view.show(results, service: client.baseURL)
        for result in results { try result.check() }
        view.heading("Every row is as it was: \(tables.count) tables, read with every value")
        view.invite(to: client.baseURL, host)
    }

    private func figures(of tables: [WrittenDemoTable]) async throws -> [TableFigures] {
        var figures: [TableFigures] = []
        for table in tables {
            let identifier = table.table.identifier
            let status = try await client.send(.get, Self.path(table) + "/status")
            let reading = try await TableReading(identifier, in: catalog, storage: storage)
            figures.append(
                try TableFigures(
                    status, reading, try await FolderSize(of: reading.location, in: storage)))
        }
        return figures
    }

    private func maintain(_ table: WrittenDemoTable) async throws {
        let actions = MaintenanceAction.allCases.map { JSONValue.string($0.rawValue) }
        let body: JSONValue = [
            "actions": .array(actions),
            "options": [
                // As if all of the history could go.
                "expire_snapshots": [
                    "older_than": .string(Timestamp.now.description), "retain_last": 1,
                ]
            ],
        ]
        let answer = try await client.send(.post, Self.path(table) + "/maintenance", body: body)
        let job = try await JobFollower(client: client).follow(JobView(json: answer).id)
        view.show(job)
        guard job.exitStatus == .success else {
            throw DemoFault("the job on \(table.table.identifier) ended as \(job.status)")
        }
    }

    private static func path(_ table: WrittenDemoTable) -> String {
        "/tables/\(DemoTable.database)/\(table.table.name)"
    }
}

/// What became of a table.
struct DemoResult {
    let written: WrittenDemoTable
    let before: TableFigures
    let after: TableFigures

    /// Compares what was written with what was read before and after.
    func check() throws(DemoFault) {
        let table = written.table.identifier
        guard before.reading.rows == written.rows else {
            throw DemoFault("\(table) does not have the rows that were written to it")
        }
        guard after.reading.rows == written.rows else {
            throw DemoFault("\(table) reads differently after its maintenance")
        }
        guard after.reading.lineage == before.reading.lineage else {
            throw DemoFault("rows of \(table) have other ids, or other last changes, than before")
        }
    }
}

/// Why the demonstration failed.
struct DemoFault: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
