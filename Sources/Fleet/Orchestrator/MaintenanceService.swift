// SPDX-License-Identifier: Apache-2.0

public import Jobs

/// What the orchestrator needs of the service: its REST API, nothing else.
public protocol MaintenanceService: Sendable {
    /// The tables that are enrolled.
    func enrolledTables() async throws(MaintenanceServiceError) -> [TableName]

    /// What should be run on a table, and why.
    func recommendation(
        for table: TableName
    ) async throws(MaintenanceServiceError) -> RecommendedWork

    /// Asks for a job; the same key within a day is the same job.
    func submit(
        _ actions: [String], on table: TableName, key: String
    ) async throws(MaintenanceServiceError) -> SubmissionReply

    /// How a job stands, and when to ask again.
    func job(_ id: String) async throws(MaintenanceServiceError) -> JobState

    /// Keeps what a run did.
    func record(_ run: OrchestratorRun) async throws(MaintenanceServiceError)
}

/// Why the service gave no answer that helps.
public enum MaintenanceServiceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It did not answer, or could not for now.
    case unavailable(reason: String)
    /// It refused; asking again brings the same.
    case refused(reason: String)
    /// There is no such thing any more: a table that left the catalog, a job that was deleted.
    case notFound(reason: String)

    /// The reason.
    public var description: String {
        switch self {
        case .unavailable(let reason), .refused(let reason), .notFound(let reason): reason
        }
    }
}

/// What came of a submission.
public enum SubmissionReply: Hashable, Sendable {
    /// A job, perhaps finished already.
    case accepted(id: String)
    /// Another job holds the table.
    case locked
    /// The service takes no jobs.
    case draining
}

/// How a job stands.
public struct JobState: Hashable, Sendable {
    /// Its status.
    public let status: JobStatus
    /// What went wrong, if something did.
    public let error: String?
    /// When to ask again; nil where the service does not say.
    public let retryAfter: Duration?

    /// Takes every field.
    public init(status: JobStatus, error: String?, retryAfter: Duration?) {
        self.status = status
        self.error = error
        self.retryAfter = retryAfter
    }
}

/// The part of a recommendation that the orchestrator acts on.
public struct RecommendedWork: Hashable, Sendable {
    /// The actions in their order; empty when there is a reason to skip.
    public let actions: [String]
    /// Why nothing is recommended.
    public let skipReasons: [String]
    /// How unhealthy the table is: bytes in small files, and then delete files.
    public let urgency: Urgency

    /// What orders tables: the most urgent first.
    public struct Urgency: Hashable, Comparable, Sendable {
        /// Bytes in files below the target size.
        public var smallFileBytes: Int64
        /// Delete files of all kinds.
        public var deleteFiles: Int64

        /// Takes both.
        public init(smallFileBytes: Int64 = 0, deleteFiles: Int64 = 0) {
            self.smallFileBytes = smallFileBytes
            self.deleteFiles = deleteFiles
        }

        /// Less urgent.
        public static func < (left: Urgency, right: Urgency) -> Bool {
            (left.smallFileBytes, left.deleteFiles) < (right.smallFileBytes, right.deleteFiles)
        }
    }

    /// Takes every field.
    public init(actions: [String], skipReasons: [String], urgency: Urgency = Urgency()) {
        self.actions = actions
        self.skipReasons = skipReasons
        self.urgency = urgency
    }

    /// The skip reason of a table for which there is nothing to do.
    public static let nothingToDo = "nothing_to_do"

    /// Whether the table needs nothing, as opposed to being left alone.
    public var isHealthy: Bool {
        actions.isEmpty && (skipReasons.isEmpty || skipReasons == [Self.nothingToDo])
    }
}
