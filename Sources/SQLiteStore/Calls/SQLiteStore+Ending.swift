// SPDX-License-Identifier: Apache-2.0

import GRDB
public import Jobs
public import WireFormat

// The protocol documents its members.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension SQLiteStore {
    public func settle(_ claim: Claim, as settlement: Settlement) async throws(JobStoreError) {
        try await write { transaction in
            guard let job = try transaction.job(claim.jobID) else { throw JobStoreError.fenced }
            guard job.status == .running, job.attemptID == claim.attemptID else {
                guard settlement.isAlreadyThat(of: job, under: claim) else {
                    throw JobStoreError.fenced
                }
                return
            }
            try transaction.settle(job, under: claim, as: settlement)
            transaction.signals.append(.jobChanged(job.id))
        }
    }

    public func recordAftermath(
        _ aftermath: JSONValue, underRevoked claim: Claim
    ) async throws(JobStoreError) {
        try await write { transaction in
            let isStopped = Aftermath.saysStopped(aftermath)
            try transaction.fenced(
                Statement.setAftermath, claim,
                ["aftermath": aftermath.text(), "stopped": isStopped ? 1 : 0])
            if isStopped {
                try transaction.execute(Statement.freeTable, ["job": claim.jobID.rawValue])
            }
            transaction.signals.append(.jobChanged(claim.jobID))
        }
    }

    public func releaseLock(underRevoked claim: Claim) async throws(JobStoreError) {
        try await write { transaction in
            guard try transaction.first(Statement.selectEnded, claim.arguments) != nil else {
                throw JobStoreError.fenced
            }
            try transaction.execute(Statement.releaseLock, claim.arguments)
        }
    }

    public func cancel(_ id: JobID) async throws(JobStoreError) -> CancelOutcome {
        try await write { transaction in
            guard let job = try transaction.job(id), job.deletedAt == nil else { return .notFound }
            guard !job.status.isTerminal else { return .alreadyTerminal(job) }
            try transaction.execute(
                Statement.cancelJob,
                ["job": id.rawValue, "error": JobMessages.cancelled, "now": transaction.now])
            try transaction.execute(
                Statement.deleteQueueRowOfCancelled, ["job": id.rawValue])
            if job.attemptCount == 0 {
                try transaction.execute(
                    Statement.releaseLock, ["job": id.rawValue, "attempt": nil])
            }
            transaction.signals += [.jobCancelled(id), .jobChanged(id)]
            return .cancelled(try transaction.storedJob(id))
        }
    }

    public func softDelete(_ id: JobID) async throws(JobStoreError) -> DeleteOutcome {
        try await write { transaction in
            guard let job = try transaction.job(id), job.deletedAt == nil else { return .notFound }
            guard job.status.isTerminal else { return .active(job) }
            try transaction.execute(
                Statement.softDelete, ["job": id.rawValue, "now": transaction.now])
            transaction.signals.append(.jobChanged(id))
            return .deleted
        }
    }
}

extension Claim {
    var arguments: StatementArguments {
        ["job": jobID.rawValue, "attempt": attemptID.rawValue]
    }
}

extension StoredRow {
    func attemptID(_ column: String) throws -> AttemptID {
        guard let attempt = AttemptID(try value(column)) else {
            throw JobStoreError.corrupt(reason: "column \(column) is no attempt id")
        }
        return attempt
    }
}

extension Transaction {
    func settle(_ job: Job, under claim: Claim, as settlement: Settlement) throws {
        switch settlement {
        case .completed:
            try finish(claim, as: .completed, error: nil, lock: .release)
        case .failed(let error, let lock):
            try finish(claim, as: .failed, error: error, lock: lock)
        case .retry(let error, _, let limit) where job.attemptCount >= limit:
            try finish(claim, as: .failed, error: error, lock: .release)
        case .retry(let error, let delay, _):
            try requeue(claim, after: delay, error: error, leaseEndsNow: true)
        }
    }

    func finish(
        _ claim: Claim, as status: JobStatus, error: String?, lock: Settlement.LockRelease
    ) throws {
        try fenced(
            Statement.finishJob, claim,
            ["status": status.rawValue, "error": error, "now": now])
        try fenced(Statement.deleteQueueRow, claim)
        switch lock {
        case .release:
            guard try execute(Statement.releaseLock, claim.arguments) == 0 else { return }
            var arguments = claim.arguments
            arguments += ["now": now]
            try execute(Statement.endLease, arguments)
        case .leaveToLease: break
        }
    }

    func requeue(
        _ claim: Claim, after delay: Duration, error: String?, leaseEndsNow: Bool
    ) throws {
        try fenced(Statement.requeueJob, claim, ["error": error])
        try fenced(Statement.requeueQueueRow, claim, ["visible": later(by: delay)])
        try execute(
            Statement.detachLock,
            ["job": claim.jobID.rawValue, "expires": leaseEndsNow ? now : nil])
    }
}
