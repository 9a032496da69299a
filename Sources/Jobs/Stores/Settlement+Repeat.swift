// SPDX-License-Identifier: Apache-2.0

extension Settlement {
    /// Whether this settlement, under this claim, is what ended the claim's hold on the job: the
    /// call is then the repeat of one whose reply was lost.
    ///
    /// Shared by the SQL stores, which read the job inside the transaction when the claim does not
    /// hold it (any more).
    public func isAlreadyThat(of job: Job, under claim: Claim) -> Bool {
        guard job.id == claim.jobID, job.lastAttemptID == claim.attemptID else { return false }
        let isLastAttempt = job.attemptID == claim.attemptID
        switch self {
        case .completed:
            return isLastAttempt && job.status == .completed
        case .failed(let error, _):
            return isLastAttempt && job.status == .failed && job.error == error
        case .retry(let error, _, _):
            // A sweep that took the claim leaves no error; a retry always does.
            let isWaiting = job.status == .pending && job.attemptID == nil
            let isOutOfAttempts = isLastAttempt && job.status == .failed
            return job.error == error && (isWaiting || isOutOfAttempts)
        }
    }
}
