// SPDX-License-Identifier: Apache-2.0

package import IcebergCatalog
package import ObjectStorage
package import WireFormat

/// What is kept of a job below one root: `.icepack-quarantine/<job id>/job.json`.
package struct QuarantineJob: Hashable, Sendable {
    /// How far the job came.
    package enum State: String, Hashable, Sendable {
        /// It moves files, or stopped while it did.
        case moving
        /// Its files wait to be restored or purged.
        case held
    }

    /// The job that moved the files.
    package let jobID: String
    /// The table's uuid, or its location where it has none.
    package let tableKey: String
    /// The folder below which everything lies, as it was spelled.
    package let root: Location
    /// When the job began to move, in milliseconds since the epoch.
    package let startedMilliseconds: Int64
    /// The tables whose folders hold the root: what they need stays, too.
    package let enclosingTables: [TableIdentifier]
    /// How far it came.
    package var state: State
    /// How many files are held.
    package var fileCount: Int
    /// How many bytes they have.
    package var byteCount: Int64

    /// Takes every field.
    package init(
        jobID: String, tableKey: String, root: Location, startedMilliseconds: Int64,
        enclosingTables: [TableIdentifier] = [], state: State = .moving, fileCount: Int = 0,
        byteCount: Int64 = 0
    ) {
        self.jobID = jobID
        self.tableKey = tableKey
        self.root = root
        self.startedMilliseconds = startedMilliseconds
        self.enclosingTables = enclosingTables
        self.state = state
        self.fileCount = fileCount
        self.byteCount = byteCount
    }

    /// When it may be purged.
    package func purgeTime(after days: Int) -> Timestamp {
        Timestamp(milliseconds: startedMilliseconds).advanced(by: .seconds(days * 86_400))
    }
}

/// Some moves, recorded before the first source is removed: `moves/00000001.json`.
package struct QuarantineBatch: Hashable, Sendable {
    /// How far the batch came.
    package enum State: String, Hashable, Sendable {
        /// Copies are being made; every source is there.
        case planned
        /// Every copy is there; sources are being removed.
        case copied
        /// No source is left.
        case moved
    }

    /// How far it came.
    package var state: State
    /// The files.
    package var files: [QuarantinedFile]

    /// Pairs a state with files.
    package init(state: State, files: [QuarantinedFile]) {
        self.state = state
        self.files = files
    }
}

/// A file that was moved, with everything that brings it back.
package struct QuarantinedFile: Hashable, Sendable {
    /// The file as it was listed.
    package let source: ObjectInfo
    /// Where it is now, below the job's folder `files`.
    package let relativePath: String

    /// Pairs a file with its place.
    package init(source: ObjectInfo, relativePath: String) {
        self.source = source
        self.relativePath = relativePath
    }
}

/// A record that cannot be understood; what it is about is left alone.
package struct UnreadableRecord: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    package let description: String

    /// Takes a sentence.
    package init(_ description: String) { self.description = description }
}

extension QuarantineJob {
    /// The version of the records' format; others are refused.
    static let version: Int64 = 1

    /// The record as it is written.
    package var json: JSONValue {
        [
            "version": .integer(Self.version), "job_id": .string(jobID),
            "table": .string(tableKey), "root": .string(root.rawValue),
            "started_at_ms": .integer(startedMilliseconds),
            "enclosing_tables": .array(
                enclosingTables.map { .array(($0.namespace + [$0.name]).map { .string($0) }) }),
            "state": .string(state.rawValue), "files": .integer(fileCount),
            "bytes": .integer(byteCount),
        ]
    }

    /// Reads a record.
    package init(parsing bytes: [UInt8]) throws(UnreadableRecord) {
        let object = try RecordReader.object(bytes)
        guard object["version"]?.int64Value == Self.version,
            let jobID = object["job_id"]?.stringValue, let table = object["table"]?.stringValue,
            let root = object["root"]?.stringValue,
            let started = object["started_at_ms"]?.int64Value,
            let state = object["state"]?.stringValue.flatMap(State.init),
            let files = object["files"]?.intValue, files >= 0,
            let byteCount = object["bytes"]?.int64Value,
            let enclosing = object["enclosing_tables"]?.arrayValue
        else { throw UnreadableRecord("a job's record lacks a member or is of another version") }
        self.init(
            jobID: jobID, tableKey: table, root: Location(root), startedMilliseconds: started,
            enclosingTables: try enclosing.map(Self.identifier), state: state, fileCount: files,
            byteCount: byteCount)
    }
}

extension QuarantineJob {
    private static func identifier(
        _ value: JSONValue
    ) throws(UnreadableRecord) -> TableIdentifier {
        let parts = (value.arrayValue ?? []).compactMap(\.stringValue)
        guard let name = parts.last, parts.count == value.arrayValue?.count else {
            throw UnreadableRecord("a job's record names a table that is none")
        }
        return TableIdentifier(namespace: Array(parts.dropLast()), name: name)
    }
}

extension QuarantineBatch {
    /// The record as it is written: each file is source, place, size, time, entity tag.
    package var json: JSONValue {
        let rows = files.map { file -> JSONValue in
            let source = file.source
            return [
                .string(source.location.rawValue), .string(file.relativePath),
                .integer(source.size), source.modifiedMilliseconds.map { .integer($0) } ?? .null,
                .optional(source.entityTag),
            ]
        }
        return [
            "version": .integer(QuarantineJob.version), "state": .string(state.rawValue),
            "files": .array(rows),
        ]
    }

    /// Reads a record.
    package init(parsing bytes: [UInt8]) throws(UnreadableRecord) {
        let object = try RecordReader.object(bytes)
        guard object["version"]?.int64Value == QuarantineJob.version,
            let state = object["state"]?.stringValue.flatMap(State.init),
            let rows = object["files"]?.arrayValue
        else {
            throw UnreadableRecord("a record of moves lacks a member or is of another version")
        }
        var files: [QuarantinedFile] = []
        for row in rows { files.append(try QuarantinedFile(row)) }
        self.init(state: state, files: files)
    }

    /// How many bytes the files have.
    package var byteCount: Int64 { files.reduce(0) { $0 + $1.source.size } }
}

extension QuarantinedFile {
    fileprivate init(_ row: JSONValue) throws(UnreadableRecord) {
        guard let fields = row.arrayValue, fields.count == 5, let source = fields[0].stringValue,
            let place = fields[1].stringValue, let size = fields[2].int64Value, size >= 0
        else { throw UnreadableRecord("a record of moves has a row that is none") }
        self.init(
            source: ObjectInfo(
                location: Location(source), size: size, modifiedMilliseconds: fields[3].int64Value,
                entityTag: fields[4].stringValue),
            relativePath: place)
    }
}

private enum RecordReader {
    static func object(_ bytes: [UInt8]) throws(UnreadableRecord) -> JSONObject {
        let value: JSONValue
        do throws(JSONSyntaxError) { value = try JSONValue(parsing: bytes) } catch {
            throw UnreadableRecord("\(error)")
        }
        guard let object = value.objectValue else {
            throw UnreadableRecord("a record is no object")
        }
        return object
    }
}
