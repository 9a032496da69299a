// SPDX-License-Identifier: Apache-2.0

import Demonstration
import ObjectStorage
import WireFormat

/// A table in numbers, at one moment.
struct TableFigures {
    let dataFiles: Int64
    let deleteFiles: Int64
    let manifests: Int64
    let snapshots: Int64
    let folder: FolderSize
    let reading: TableReading

    /// Takes them from the service's status of the table, from reading it, and from its folder.
    init(_ status: JSONValue, _ reading: TableReading, _ folder: FolderSize) throws(DemoFault) {
        func number(_ group: String, _ key: String) throws(DemoFault) -> Int64 {
            guard let number = status.objectValue?[group]?.objectValue?[key]?.int64Value else {
                throw DemoFault("the service's status lacks \(group).\(key)")
            }
            return number
        }
        dataFiles = try number("files", "data_files")
        deleteFiles =
            try number("files", "position_delete_files") + number("files", "deletion_vectors")
        manifests = try number("manifests", "count")
        snapshots = try number("snapshots", "count")
        self.folder = folder
        self.reading = reading
    }

    /// All of it.
    var json: JSONValue {
        [
            "data_files": .integer(dataFiles), "delete_files": .integer(deleteFiles),
            "manifests": .integer(manifests), "snapshots": .integer(snapshots),
            "files_on_disk": .integer(folder.files), "bytes_on_disk": .integer(folder.bytes),
            "scan_ms": .double(reading.duration / .milliseconds(1)),
            "rows": .integer(reading.rows.count), "digest": .string(reading.rows.hexadecimal),
            "lineage_digest": reading.lineage.count == 0
                ? .null : .string(reading.lineage.hexadecimal),
        ]
    }
}

/// What a table's folder holds; what was moved to its quarantine does not count.
struct FolderSize {
    private(set) var files: Int64 = 0
    private(set) var bytes: Int64 = 0

    private static let quarantine = "/.icepack-quarantine/"

    /// Lists a folder.
    init(of location: String, in storage: some ObjectStorage) async throws {
        for try await file in storage.list(Location(location))
        where !file.location.rawValue.contains(Self.quarantine) {
            files += 1
            bytes += file.size
        }
    }
}
