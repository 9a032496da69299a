// SPDX-License-Identifier: Apache-2.0

/// The part of the store that remembers which files an attempt was about to orphan or to write.
public protocol FileJournal: Sendable {
    /// Adds entries in state `planned`, fenced by the claim. Repeating a batch adds it once
    /// (`job_id`, `path` is unique). A path that this job had closed is planned again; one whose
    /// commit is unknown stays unknown, for good.
    func append(
        _ entries: [FileJournalEntry], tableUUID: String, under claim: Claim
    ) async throws(JobStoreError)

    /// Marks this job's planned entries for these paths done, fenced by the claim. Entries of
    /// earlier jobs on the same table are closed through ``closeReplayed(_:under:)``.
    func close(paths: [String], under claim: Claim) async throws(JobStoreError)

    /// Marks all of this job's planned entries unknown: their commit's outcome is not known, so a
    /// replay must never delete them.
    ///
    /// Needs no fence, because it only forbids removals: a job that was cancelled during a commit
    /// has lost its fence when it has to say so.
    func markUnknown(under claim: Claim) async throws(JobStoreError)

    /// Open (planned) entries of a table, of any job on the table that this job is on, by id, a
    /// page of at most ``OpenFileJournalEntry/maximumPage`` at a time.
    ///
    /// By its name too, since that is what a job holds the lock of: a table that is registered
    /// under two names has one uuid, and a job on the other name may be writing.
    func openEntries(
        tableUUID: String, for job: JobID, after id: Int64, limit: Int
    ) async throws(JobStoreError) -> [OpenFileJournalEntry]

    /// Marks open entries, of whichever job, done after a replay; fenced by the claim of the job
    /// that replays.
    func closeReplayed(_ ids: [Int64], under claim: Claim) async throws(JobStoreError)
}

/// One file that a commit will make unreachable or bring.
public struct FileJournalEntry: Hashable, Sendable {
    /// The file's location, exactly as the table's metadata spells it.
    public let path: String
    /// What kind of file it is, such as `data_file` or `manifest_list`.
    public let kind: String

    /// Pairs a location with a kind.
    public init(path: String, kind: String) {
        self.path = path
        self.kind = kind
    }
}

/// An entry that no attempt has closed.
public struct OpenFileJournalEntry: Hashable, Sendable {
    /// The most entries one page holds.
    public static let maximumPage = 10_000

    /// Its number in the store.
    public let id: Int64
    /// The job that wrote it.
    public let jobID: JobID
    /// The file.
    public let entry: FileJournalEntry

    /// Takes every field.
    public init(id: Int64, jobID: JobID, entry: FileJournalEntry) {
        self.id = id
        self.jobID = jobID
        self.entry = entry
    }
}
