// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec

/// How often and how patiently something is tried again: `commit.retry.*`, `commit.status-check.*`.
public struct CommitRetryPolicy: Hashable, Sendable {
    /// How many tries may follow the first.
    public let retries: Int
    /// The shortest pause between two tries.
    public let minimumWait: Duration
    /// The longest.
    public let maximumWait: Duration
    /// How long after the first try the last one may begin.
    public let totalTimeout: Duration

    /// The most retries that are honoured, whatever a table says.
    public static let maximumRetries = 1000

    /// Takes every field; negative values count as zero.
    public init(
        retries: Int, minimumWait: Duration, maximumWait: Duration, totalTimeout: Duration
    ) {
        self.retries = min(max(0, retries), Self.maximumRetries)
        self.minimumWait = max(.zero, minimumWait)
        self.maximumWait = max(self.minimumWait, maximumWait)
        self.totalTimeout = max(.zero, totalTimeout)
    }

    /// What Iceberg does with a refused commit unless the table says otherwise.
    public static let commitDefault = CommitRetryPolicy(
        retries: 4, minimumWait: .milliseconds(100), maximumWait: .seconds(60),
        totalTimeout: .seconds(1800))

    /// What Iceberg does with a commit of unknown outcome unless the table says otherwise.
    public static let statusCheckDefault = CommitRetryPolicy(
        retries: 3, minimumWait: .seconds(1), maximumWait: .seconds(60),
        totalTimeout: .seconds(1800))

    /// What a table says about refused commits.
    ///
    /// - Throws: ``UnreadableProperty``, because guessing might give up too early or never.
    public static func commit(
        of properties: TableProperties
    ) throws(UnreadableProperty) -> CommitRetryPolicy {
        try CommitRetryPolicy(
            properties, retries: "commit.retry.num-retries", prefix: "commit.retry.",
            total: "commit.retry.total-timeout-ms", default: .commitDefault)
    }

    /// What a table says about commits of unknown outcome.
    ///
    /// - Throws: ``UnreadableProperty``, because guessing might give up too early or never.
    public static func statusCheck(
        of properties: TableProperties
    ) throws(UnreadableProperty) -> CommitRetryPolicy {
        try CommitRetryPolicy(
            properties, retries: "commit.status-check.num-retries", prefix: "commit.status-check.",
            total: "commit.status-check.total-timeout-ms", default: .statusCheckDefault)
    }

    private init(
        _ properties: TableProperties, retries: String, prefix: String, total: String,
        default standard: CommitRetryPolicy
    ) throws(UnreadableProperty) {
        func wait(_ key: String, _ standard: Duration) throws(UnreadableProperty) -> Duration {
            try properties.int64(key).map { .milliseconds($0) } ?? standard
        }
        self.init(
            retries: try properties.int64(retries).map { Int(clamping: $0) } ?? standard.retries,
            minimumWait: try wait(prefix + "min-wait-ms", standard.minimumWait),
            maximumWait: try wait(prefix + "max-wait-ms", standard.maximumWait),
            totalTimeout: try wait(total, standard.totalTimeout))
    }

    /// The pause before a retry, counted from 1, or nil when there is none left.
    ///
    /// The pause is drawn evenly between the minimum and a bound that doubles each time: writers
    /// that met once must not meet again.
    func wait(
        before retry: Int, elapsed: Duration, using random: inout some RandomNumberGenerator
    ) -> Duration? {
        guard retry <= retries, elapsed < totalTimeout else { return nil }
        var bound = minimumWait
        for _ in 0..<retry where bound < maximumWait { bound = bound + bound }
        let spread = min(bound, maximumWait) - minimumWait
        return minimumWait + spread * Double.random(in: 0...1, using: &random)
    }
}
