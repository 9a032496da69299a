// SPDX-License-Identifier: Apache-2.0

public import Jobs
public import WireFormat

/// What the orchestrator needs of the service: its REST API, nothing else.
public protocol MaintenanceService: Sendable {
    /// Every table that the service knows, and why it leaves some of them out.
    func tables() async throws(MaintenanceServiceError) -> [ListedTable]

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
    ///
    /// - Parameter isRepeat: whether an earlier call, whose reply was lost, may have kept it.
    func record(
        _ run: OrchestratorRun, isRepeat: Bool
    ) async throws(MaintenanceServiceError)
}

/// A table that the service knows.
public struct ListedTable: Hashable, Sendable {
    /// Its name.
    public let name: TableName
    /// Why automatic maintenance leaves it out; nil if it is enrolled.
    public let leftOut: LeftOut?

    /// Why a table is left out.
    public struct LeftOut: Hashable, Sendable {
        /// The REST contract's name of the reason.
        public let code: String
        /// The reason in words.
        public let reason: String

        /// Pairs a name with words.
        public init(code: String, reason: String) {
            self.code = code
            self.reason = reason
        }
    }

    /// Takes both; without a reason the table is enrolled.
    public init(_ name: TableName, leftOut: LeftOut? = nil) {
        self.name = name
        self.leftOut = leftOut
    }
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
    /// Why nothing is recommended, by the REST contract's names.
    public let skipReasons: [String]
    /// The same in words and numbers.
    public let skipDetails: [String]
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
    public init(
        actions: [String], skipReasons: [String], skipDetails: [String] = [],
        urgency: Urgency = Urgency()
    ) {
        self.actions = actions
        self.skipReasons = skipReasons
        self.skipDetails = skipDetails
        self.urgency = urgency
    }

    /// The skip reason of a table for which there is nothing to do.
    public static let nothingToDo = "nothing_to_do"

    /// Whether the table needs nothing, as opposed to being left alone.
    public var isHealthy: Bool {
        actions.isEmpty && (skipReasons.isEmpty || skipReasons == [Self.nothingToDo])
    }
}

extension RecommendedWork {
    /// Reads the REST contract's recommendation; nil for what is none.
    public init?(_ document: JSONValue) {
        guard let object = document.objectValue,
            let actions = object["recommended_actions"]?.texts,
            let reasons = object["skip_reasons"]?.texts
        else { return nil }
        var urgency = Urgency()
        for verdict in object["actions"]?.arrayValue ?? [] {
            guard let evidence = verdict.objectValue?["evidence"]?.objectValue else { continue }
            urgency.smallFileBytes += evidence["small_files_bytes"]?.int64Value ?? 0
            for kind in Self.deleteFileCounts {
                urgency.deleteFiles += evidence[kind]?.int64Value ?? 0
            }
        }
        let details = object["skip_details"]?.arrayValue ?? []
        self.init(
            actions: actions, skipReasons: reasons,
            skipDetails: details.compactMap { $0.objectValue?["reason"]?.stringValue },
            urgency: urgency)
    }

    /// The evidence that counts delete files, each kind in one verdict alone.
    private static let deleteFileCounts = [
        "position_delete_files", "equality_delete_files", "deletion_vectors",
    ]
}

extension JSONValue {
    /// An array of texts; nil for anything else.
    fileprivate var texts: [String]? {
        guard let elements = arrayValue else { return nil }
        let texts = elements.compactMap(\.stringValue)
        return texts.count == elements.count ? texts : nil
    }
}
