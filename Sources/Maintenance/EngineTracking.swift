// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// How an engine that works outside this process is found again after a crash.
public struct EngineTracking: Sendable {
    /// What an earlier attempt of the job left, `jobs.engine_state`; nil if nothing of it runs.
    ///
    /// An engine adopts that work, or stops it and sees it gone, before it starts any of its own.
    public let inherited: JSONValue?
    /// Writes what the next attempt would need, under the fence; nil once nothing runs any more.
    ///
    /// An object whose member `engine` is the engine's name, so that every state finds its engine.
    public let keep: @Sendable (JSONValue?) async throws(MaintenanceError) -> Void
    /// Takes note of what became of the work when the action is stopped early.
    ///
    /// The last note counts; the worker stores it as the job's `aftermath`.
    public let note: @Sendable (EngineAftermath) -> Void

    /// Takes every field.
    public init(
        inherited: JSONValue?,
        keep: @escaping @Sendable (JSONValue?) async throws(MaintenanceError) -> Void,
        note: @escaping @Sendable (EngineAftermath) -> Void
    ) {
        self.inherited = inherited
        self.keep = keep
        self.note = note
    }

    /// For work that ends with this process.
    public static let none = EngineTracking(
        inherited: nil, keep: { _ throws(MaintenanceError) in }, note: { _ in })
}

/// What happened after a cancel, a lost fence or a SIGTERM: the job's `aftermath`.
public struct EngineAftermath: Hashable, Sendable {
    /// What is known of the engine.
    public enum State: String, Hashable, Sendable {
        /// It was asked to stop and has not answered yet.
        case stopping = "engine_stopping"
        /// Nothing of the job runs any more, and nothing of it commits from now on.
        case stopped = "engine_stopped"
        /// It could not be found out.
        case unknown = "engine_unknown"
    }

    /// A commit that the job made before it stopped.
    public struct Commit: Hashable, Sendable {
        /// The snapshot.
        public let snapshotID: Int64
        /// Its operation, such as `replace`.
        public let operation: String
        /// When it was made.
        public let committedAt: Timestamp

        /// Takes every field.
        public init(snapshotID: Int64, operation: String, committedAt: Timestamp) {
            self.snapshotID = snapshotID
            self.operation = operation
            self.committedAt = committedAt
        }
    }

    /// What is known of the engine.
    public var state: State
    /// What the job had committed before it stopped.
    public var commits: [Commit]
    /// Locations of files that it left and no snapshot names, as far as they are listed.
    public var filesLeftBehind: [String]
    /// How many such files there are.
    public var filesLeftBehindCount: Int
    /// A sentence for a person; nil if the rest says it all.
    public var note: String?

    /// The most locations that are kept; more are only counted.
    public static let longestFileList = 1000

    /// Takes every field; where files are not counted, those that are listed are all.
    public init(
        state: State, commits: [Commit] = [], filesLeftBehind: [String] = [],
        filesLeftBehindCount: Int? = nil, note: String? = nil
    ) {
        self.state = state
        self.commits = commits
        self.filesLeftBehind = filesLeftBehind
        self.filesLeftBehindCount = filesLeftBehindCount ?? filesLeftBehind.count
        self.note = note
    }

    /// As the REST contract shows it.
    public var json: JSONValue {
        var object = JSONObject()
        object["engine_state"] = .string(state.rawValue)
        object["commits"] = .array(
            commits.map { commit in
                [
                    "snapshot_id": .integer(commit.snapshotID),
                    "operation": .string(commit.operation),
                    "committed_at": .string(commit.committedAt.description),
                ]
            })
        object["files_left_behind"] = .array(
            filesLeftBehind.prefix(Self.longestFileList).map { .string($0) })
        object["files_left_behind_count"] = .integer(Int64(filesLeftBehindCount))
        if let note { object["note"] = .string(note) }
        return .object(object)
    }
}
