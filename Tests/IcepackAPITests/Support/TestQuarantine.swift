// SPDX-License-Identifier: Apache-2.0

import Jobs
import Maintenance
import WireFormat

@testable import IcepackAPI

extension QuarantineAccess {
    /// One job's files are held, and every change succeeds.
    static let holding = answering(.done(QuarantineChange().json))

    /// One job's files are held, and every change ends so.
    static func answering(_ outcome: Outcome) -> QuarantineAccess {
        QuarantineAccess(days: 7, holds: { _ in [hold] }, change: { _, _ in outcome })
    }

    /// Nothing can be looked at.
    static func failing(_ error: MaintenanceError) -> QuarantineAccess {
        QuarantineAccess(
            days: 7, holds: { _ throws(MaintenanceError) in throw error },
            change: { _, _ in .failed(reason: "secret") })
    }

    private static let hold = QuarantineHold(
        jobID: Operation.someJob, root: "s3://lake/page_views", fileCount: 3, byteCount: 4096,
        movedAt: Timestamp(milliseconds: 1_777_127_700_000), isUnfinished: false)
}
