// SPDX-License-Identifier: Apache-2.0

/// Why a call to the store did not provably do what was asked, by what the caller must do next.
public enum JobStoreError: Error, Hashable, Sendable {
    /// The claim no longer holds the job: stop at once, commit nothing, remove what is uncommitted.
    case fenced
    /// Nothing happened: the same call may be tried again.
    case unavailable(reason: String)
    /// The reply never came and the write may have landed: read back, or repeat an idempotent call.
    case outcomeUnknown(reason: String)
    /// The store holds something that this program cannot read: report, do not retry.
    case corrupt(reason: String)
}
