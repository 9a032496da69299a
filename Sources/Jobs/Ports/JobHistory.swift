// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// The part of the store that reads jobs.
public protocol JobHistory: Sendable {
    /// One job with its results. Deleted jobs only if asked for.
    func job(_ id: JobID, visibility: JobVisibility) async throws(JobStoreError) -> Job?

    /// Jobs newest first (`submitted_at`, then `job_id`, both descending), with their results.
    func jobs(matching query: JobQuery) async throws(JobStoreError) -> [Job]

    /// Removes terminal jobs completed more than this long ago, with their results and closed
    /// journal rows, and other history of that age. Never touches pending or running jobs, a job
    /// whose journal still has open rows, one that holds a table (``EngineHold``), nor the audit
    /// log. Returns how many jobs, snapshots and runs went; what hangs on a job is not counted.
    func purgeHistory(olderThan age: Duration) async throws(JobStoreError) -> Int

    /// Unclaimed visible jobs: the figure that autoscalers read.
    func queueDepth() async throws(JobStoreError) -> Int
}

/// Which jobs a read shows.
public enum JobVisibility: Hashable, Sendable {
    /// Those that nobody has deleted.
    case normal
    /// Deleted ones as well.
    case includingDeleted
}

/// What to list.
public struct JobQuery: Hashable, Sendable {
    /// Only this table.
    public var table: TableName?
    /// Only this status.
    public var status: JobStatus?
    /// Whether deleted ones are shown.
    public var visibility: JobVisibility
    /// Only jobs after this position in the order.
    public var after: Position?
    /// The most jobs to return; stores keep it within ``limits``.
    public var limit: Int

    /// A page of 500 and one more to know that there is more.
    public static let limits = 1...501

    /// A place between two jobs of a listing.
    public struct Position: Hashable, Sendable {
        /// The last job's submission time.
        public let submittedAt: Timestamp
        /// The last job.
        public let jobID: JobID

        /// Pairs the two sort keys.
        public init(submittedAt: Timestamp, jobID: JobID) {
            self.submittedAt = submittedAt
            self.jobID = jobID
        }
    }

    /// Takes every field.
    public init(
        table: TableName? = nil, status: JobStatus? = nil, visibility: JobVisibility = .normal,
        after: Position? = nil, limit: Int = 100
    ) {
        self.table = table
        self.status = status
        self.visibility = visibility
        self.after = after
        self.limit = limit
    }

    /// ``limit``, moved into ``limits``.
    public var boundedLimit: Int {
        min(max(limit, Self.limits.lowerBound), Self.limits.upperBound)
    }
}
