// SPDX-License-Identifier: Apache-2.0

import Jobs
import Logging

/// How often a call whose reply was lost is repeated, if it is safe to repeat.
let maximumStoreRepeats = 2

extension APIFailure {
    /// What the client is told when the store fails.
    ///
    /// The reasons are for the log alone: they may name hosts.
    static func store(_ error: JobStoreError, logger: Logger) -> APIFailure {
        switch error {
        case .unavailable(let reason):
            logger.warning("store unavailable", metadata: ["reason": "\(reason)"])
            return .problem(
                Problem(
                    .storeUnavailable,
                    "The job store did not answer and nothing was changed; "
                        + "try again.")
            )
        case .outcomeUnknown(let reason):
            logger.warning("store outcome unknown", metadata: ["reason": "\(reason)"])
            return .problem(
                Problem(
                    .storeUnavailable,
                    "The job store's reply was lost, so the change may have been made; read it "
                        + "back before trying again, or repeat a submission with its "
                        + "Idempotency-Key."))
        case .corrupt(let reason):
            logger.error("store holds what cannot be read", metadata: ["reason": "\(reason)"])
            return .problem(.internalError)
        case .fenced:
            logger.error("store fenced a call that carries no claim")
            return .problem(.internalError)
        }
    }
}

extension Problem {
    static let internalError = Problem(
        .internalError, "The service failed; its log has the reason under this request's id.")
}

/// Runs a store call that is safe to repeat, again when its reply was lost.
///
/// `isRepeat` tells the call that an earlier one may have taken effect.
func repeating<Value>(
    logger: Logger, _ call: (_ isRepeat: Bool) async throws(JobStoreError) -> Value
) async throws(APIFailure) -> Value {
    var lost: JobStoreError?
    for _ in 0...maximumStoreRepeats {
        do throws(JobStoreError) {
            return try await call(lost != nil)
        } catch {
            switch error {
            case .outcomeUnknown: lost = error
            // After a lost reply "nothing happened" is true of the repeat alone.
            case .unavailable, .corrupt, .fenced: throw .store(lost ?? error, logger: logger)
            }
        }
    }
    throw .store(lost ?? .unavailable(reason: "no call was made"), logger: logger)
}

/// Runs a store call once.
func once<Value>(
    logger: Logger, _ call: () async throws(JobStoreError) -> Value
) async throws(APIFailure) -> Value {
    do throws(JobStoreError) {
        return try await call()
    } catch {
        throw .store(error, logger: logger)
    }
}
