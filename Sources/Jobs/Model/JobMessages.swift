// SPDX-License-Identifier: Apache-2.0

/// Sentences that the lifecycle fixes; clients and runbooks match on them.
public enum JobMessages {
    /// `error` of a job that somebody cancelled.
    public static let cancelled = "Cancelled by user"
    /// `error` of a job whose worker was told to stop.
    public static let terminated = "Worker received SIGTERM"

    /// `error` of a job whose row in the store no worker can read.
    public static func unreadable(_ reason: String) -> String {
        "The job cannot be read, so nobody can run it: \(reason)"
    }
}
