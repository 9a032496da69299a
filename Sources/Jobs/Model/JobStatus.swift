// SPDX-License-Identifier: Apache-2.0

/// Where a job is in its life.
public enum JobStatus: String, CaseIterable, Hashable, Sendable {
    /// Queued, or waiting for its next attempt.
    case pending
    /// Claimed by a worker.
    case running
    /// Every action succeeded.
    case completed
    /// An action failed, or the job was abandoned.
    case failed
    /// Somebody cancelled it.
    case cancelled

    /// Whether nothing follows.
    public var isTerminal: Bool {
        switch self {
        case .pending, .running: false
        case .completed, .failed, .cancelled: true
        }
    }
}
