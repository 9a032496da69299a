// SPDX-License-Identifier: Apache-2.0

import FileSystemCatalog
import Foundation
import ObjectStorage
package import WireFormat

/// Writes the demonstration's tables into a folder, in the layout of the file-system catalog.
package struct DemoWarehouse: Sendable {
    /// For how long the tables seem to be in use.
    private static let history = Duration.seconds(30 * 86_400)
    /// Old enough for orphan removal, which leaves the files of the last days alone.
    private static let orphanAge = TimeInterval(10 * 86_400)

    /// What locations begin with; some engines take no plain paths.
    private static let scheme = "file://"

    private let location: Location
    private let storage = LocalStorage()

    /// Takes the absolute path of a folder that is missing or empty.
    package init(_ path: String) { location = Location(path) }

    /// Writes a table.
    ///
    /// - Returns: What a reader of it must find: so many rows, and their digest.
    package func write(_ table: DemoTable, now: Timestamp) async throws -> MultisetDigest {
        let commits = table.commits + (table.deletes.interval.map { table.commits / $0 } ?? 0)
        let folder = location.appending(DemoTable.database).appending(table.name)
        var writer = try await DemoTableWriter(
            table,
            catalog: FileSystemCatalog(name: "demo", warehouse: location, storage: storage),
            storage: storage, at: Location(Self.scheme + folder.rawValue),
            from: now.advanced(by: .zero - Self.history), every: Self.history / (commits + 1))
        let rows = try await writer.write()
        for number in 0..<table.orphans { try await leaveBehind(number, in: folder) }
        return rows
    }

    /// Writes a file as a writer leaves it that died before its commit.
    private func leaveBehind(_ number: Int, in folder: Location) async throws {
        let place = folder.appending("data").appending("0000\(number)-0-never-committed.parquet")
        try await storage.write(
            [UInt8](repeating: 0, count: 100_000), to: place, condition: .absent)
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -Self.orphanAge)],
            ofItemAtPath: place.rawValue)
    }
}
