// SPDX-License-Identifier: Apache-2.0

import Jobs
import WireFormat

/// The place in a listing at which the next page begins, as a text that clients only hand back.
struct ListCursor: Hashable, Sendable {
    let position: JobQuery.Position

    init(_ position: JobQuery.Position) { self.position = position }

    /// After this job.
    init(after job: Job) {
        position = JobQuery.Position(submittedAt: job.submittedAt, jobID: job.id)
    }

    /// Microseconds since the epoch in hexadecimal, then the job: no character needs escaping.
    var text: String {
        let micros = UInt64(bitPattern: position.submittedAt.microseconds)
        return "\(String(micros, radix: 16))-\(position.jobID)"
    }

    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let micros = UInt64(parts[0], radix: 16),
            let id = JobID(String(parts[1]))
        else { return nil }
        let cursor = ListCursor(
            JobQuery.Position(
                submittedAt: Timestamp(microseconds: Int64(bitPattern: micros)), jobID: id))
        // One place has one spelling, so that nobody comes to rely on another.
        guard cursor.text == text else { return nil }
        self = cursor
    }
}
