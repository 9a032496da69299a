// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
public import WireFormat

/// What can look after the files that orphan removal moved away.
public protocol QuarantineKeeper: Sendable {
    /// What is held of a table, by job; changes nothing.
    func quarantine(of table: TableIdentifier) async throws(MaintenanceError) -> [QuarantineHold]

    /// Brings back every file of a job.
    ///
    /// - Throws: ``MaintenanceError/refused(code:reason:)`` with the code
    ///   ``QuarantineCode/noSuchJob`` when nothing is held of the job.
    func restore(
        _ table: TableIdentifier, job: String, in context: RunContext
    ) async throws(MaintenanceError) -> QuarantineChange

    /// Removes files for good; those that the table needs by now come back instead.
    func purge(
        _ table: TableIdentifier, _ selection: QuarantineSelection, in context: RunContext
    ) async throws(MaintenanceError) -> QuarantineChange
}

/// The codes of refusals about quarantine.
public enum QuarantineCode {
    /// Nothing is held of the job.
    public static let noSuchJob = "quarantine_not_found"
}

/// Which of a table's quarantined files are meant.
public enum QuarantineSelection: Hashable, Sendable {
    /// Those of one job, whatever their age.
    case job(String)
    /// All.
    case all
    /// Those that were moved before a time.
    case movedBefore(Timestamp)
}

/// What is held of a table from one job, below one of its folders.
public struct QuarantineHold: Hashable, Sendable {
    /// The job that moved the files.
    public let jobID: String
    /// The folder that they were in.
    public let root: String
    /// How many files are held.
    public let fileCount: Int
    /// How many bytes they have.
    public let byteCount: Int64
    /// When the job began to move.
    public let movedAt: Timestamp
    /// Whether the job was broken off; whatever is done next to the table finishes it.
    public let isUnfinished: Bool

    /// How many days files are held where nobody says anything: `ICEPACK_QUARANTINE_DAYS`.
    public static let defaultDays = 7

    /// Takes every field.
    public init(
        jobID: String, root: String, fileCount: Int, byteCount: Int64, movedAt: Timestamp,
        isUnfinished: Bool
    ) {
        self.jobID = jobID
        self.root = root
        self.fileCount = fileCount
        self.byteCount = byteCount
        self.movedAt = movedAt
        self.isUnfinished = isUnfinished
    }

    /// When it may be purged by itself.
    public func purgeTime(afterDays days: Int) -> Timestamp {
        movedAt.advanced(by: .seconds(days * 86_400))
    }

    /// As the REST contract shows it.
    public func json(afterDays days: Int) -> JSONValue {
        [
            "job_id": .string(jobID), "location": .string(root), "files": .integer(fileCount),
            "bytes": .integer(byteCount), "moved_at": .string(movedAt.description),
            "purge_after": .string(purgeTime(afterDays: days).description),
            "unfinished": .bool(isUnfinished),
        ]
    }
}

/// What a restore or a purge did.
public struct QuarantineChange: Hashable, Sendable {
    /// Files that are where they were.
    public var restoredCount = 0
    /// Their bytes.
    public var restoredBytes: Int64 = 0
    /// Files that are gone for good.
    public var purgedCount = 0
    /// Their bytes.
    public var purgedBytes: Int64 = 0
    /// Files that could be neither.
    public var failedCount = 0
    /// Why the first failed.
    public var firstFailure: String?

    /// Nothing was done yet.
    public init() {}

    /// As the REST contract shows it.
    public var json: JSONObject {
        JSONObject([
            .init(key: "restored_files", value: .integer(restoredCount)),
            .init(key: "restored_bytes", value: .integer(restoredBytes)),
            .init(key: "purged_files", value: .integer(purgedCount)),
            .init(key: "purged_bytes", value: .integer(purgedBytes)),
            .init(key: "failed_files", value: .integer(failedCount)),
            .init(key: "failure", value: .optional(firstFailure)),
        ])
    }

    /// A sentence for a person.
    public var sentence: String {
        var parts: [String] = []
        if restoredCount > 0 || purgedCount == 0 {
            parts.append("restored \(ReportWording.count(restoredCount, "file"))")
        }
        if purgedCount > 0 { parts.append("purged \(ReportWording.count(purgedCount, "file"))") }
        if failedCount > 0 {
            parts.append(
                "\(ReportWording.count(failedCount, "file")) could not be (\(firstFailure ?? ""))")
        }
        return parts.joined(separator: ", ")
    }
}
