// SPDX-License-Identifier: Apache-2.0

/// How `rewrite_data_files` is carried out, beside what is planned.
public struct RewriteDataFilesOptions: Hashable, Sendable {
    /// How what was written is compared with what was read.
    public enum Verification: String, CaseIterable, Hashable, Sendable {
        /// Every value of every column.
        case full
        /// Every value of some columns.
        case sample
        /// The counts of rows alone.
        case off
    }

    /// How what was written is compared before it is committed.
    public var verification: Verification
    /// Whether new files count as old as the snapshot that they were made from, so that deletes
    /// that come meanwhile apply to them (P-41).
    public var usesStartingSequenceNumber: Bool
    /// The most commits; nil for one with everything in it.
    public var maxCommits: Int?
    /// How many of several commits may fail.
    public var maxFailedCommits: Int
    /// The most groups that are rewritten at once; nil for what processors and memory allow.
    public var maxConcurrentGroups: Int?

    /// `partial-progress.max-commits` where nobody says anything.
    public static let defaultMaxCommits = 10

    /// Takes every field.
    public init(
        verification: Verification = .full, usesStartingSequenceNumber: Bool = true,
        maxCommits: Int? = nil, maxFailedCommits: Int = defaultMaxCommits,
        maxConcurrentGroups: Int? = nil
    ) {
        self.verification = verification
        self.usesStartingSequenceNumber = usesStartingSequenceNumber
        self.maxCommits = maxCommits
        self.maxFailedCommits = maxFailedCommits
        self.maxConcurrentGroups = maxConcurrentGroups
    }

    /// Reads validated options.
    public init(_ options: ActionOptions) {
        let commits = options.integer("partial-progress.max-commits") ?? Self.defaultMaxCommits
        let isPartial = options.boolean("partial-progress.enabled") ?? false
        self.init(
            verification: options.text("verify").flatMap { Verification(rawValue: $0) } ?? .full,
            usesStartingSequenceNumber: options.boolean("use-starting-sequence-number") ?? true,
            maxCommits: isPartial ? commits : nil,
            maxFailedCommits: options.integer("partial-progress.max-failed-commits") ?? commits,
            maxConcurrentGroups: options.integer("max-concurrent-file-group-rewrites"))
    }
}
