// SPDX-License-Identifier: Apache-2.0

import Postgres
import WireFormat

/// The statements under `Statements/`, one per file, and how they are run.
enum Statement {
    static let appendJournal = text(PackageResources.append_journal_sql)
    static let audit = text(PackageResources.audit_sql)
    static let beginCacheGeneration = text(PackageResources.begin_cache_generation_sql)
    static let cachedTable = text(PackageResources.cached_table_sql)
    static let cachedTables = text(PackageResources.cached_tables_sql)
    static let cacheState = text(PackageResources.cache_state_sql)
    static let cacheTables = text(PackageResources.cache_tables_sql)
    static let cancel = text(PackageResources.cancel_sql)
    static let claim = text(PackageResources.claim_sql)
    static let claimSubmitted = text(PackageResources.claim_submitted_sql)
    static let closeJournal = text(PackageResources.close_journal_sql)
    static let closeReplayedJournal = text(PackageResources.close_replayed_journal_sql)
    static let confirmObservation = looks(PackageResources.confirm_look_sql)
    static let endCacheGeneration = text(PackageResources.end_cache_generation_sql)
    static let engineHolds = text(PackageResources.engine_holds_sql)
    static let finish = text(PackageResources.finish_sql)
    static let healthHistory = text(PackageResources.health_history_sql)
    static let healthHistoryOfTable = text(PackageResources.health_history_of_table_sql)
    static let identify = text(PackageResources.identify_sql)
    static let job = text(PackageResources.job_sql)
    static let jobs = text(PackageResources.jobs_sql)
    static let lockIdempotencyKey = text(PackageResources.lock_idempotency_key_sql)
    static let markJournalUnknown = text(PackageResources.mark_journal_unknown_sql)
    static let notify = text(PackageResources.notify_sql)
    static let observation = text(PackageResources.observation_sql)
    static let observationTimes = text(PackageResources.observation_times_sql)
    static let openJournal = text(PackageResources.open_journal_sql)
    static let orchestratorRun = text(PackageResources.orchestrator_run_sql)
    static let orchestratorRuns = text(PackageResources.orchestrator_runs_sql)
    static let queueDepth = text(PackageResources.queue_depth_sql)
    static let recordAftermath = text(PackageResources.record_aftermath_sql)
    static let recordFailure = looks(PackageResources.fail_look_sql)
    static let recordObservation = looks(PackageResources.record_look_sql)
    static let recordDryRun = text(PackageResources.record_dry_run_sql)
    static let recordOrchestratorRun = text(PackageResources.record_orchestrator_run_sql)
    static let recordResult = text(PackageResources.record_result_sql)
    static let releaseLock = text(PackageResources.release_lock_sql)
    static let renew = text(PackageResources.renew_sql)
    static let renewWithProgress = text(PackageResources.renew_with_progress_sql)
    static let retry = text(PackageResources.retry_sql)
    static let setEngine = text(PackageResources.set_engine_sql)
    static let setEngineState = text(PackageResources.set_engine_state_sql)
    static let softDelete = text(PackageResources.soft_delete_sql)
    static let submit = text(PackageResources.submit_sql)
    static let sweepClaims = text(PackageResources.sweep_claims_sql)
    static let sweepHolds = text(PackageResources.sweep_holds_sql)
    static let sweepLocks = text(PackageResources.sweep_locks_sql)
    static let unreadableTables = text(PackageResources.unreadable_tables_sql)

    /// Old rows of every history table; the audit log is none.
    static let purges =
        [text(PackageResources.purge_jobs_sql)] + looks(PackageResources.purge_looks_sql)
        + [text(PackageResources.purge_orchestrator_runs_sql)]

    /// A statement for each of the two tables of looks, which have the same columns: what tables
    /// look like, as the file has it, and how healthy they are.
    private static func looks(_ bytes: [UInt8]) -> [String] {
        let status = text(bytes)
        return [status, status.replacing("table_status_snapshots", with: "table_health_snapshots")]
    }

    /// The SQL without its comments, which the server need not parse.
    private static func text(_ bytes: [UInt8]) -> String {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n")
            .filter { !$0.hasPrefix("--") }.joined(separator: "\n")
    }
}

extension PostgresValue {
    /// A length of time as the statements take it.
    static func microseconds(_ duration: Duration) -> PostgresValue {
        let (seconds, attoseconds) = duration.components
        // Some 290,000 years: beyond what a timestamp can hold, so the server refuses it.
        let (micros, overflowed) = seconds.multipliedReportingOverflow(by: 1_000_000)
        guard !overflowed else { return .integer(seconds < 0 ? .min : .max) }
        return .integer(micros + attoseconds / 1_000_000_000_000)
    }

    /// A text that a person wrote or reads.
    ///
    /// PostgreSQL cannot store U+0000, and a message is not worth failing for.
    static func prose(_ text: String?) -> PostgresValue { .optional(text?.storable) }

    /// A JSON value; `NULL` for nil.
    ///
    /// U+0000 in its texts is replaced, as in ``prose(_:)``.
    static func json(_ value: JSONValue?) -> PostgresValue {
        guard let value else { return .null }
        let text = value.text()
        return .text(text.contains("\\u0000") ? value.storable.text() : text)
    }
}

extension String {
    /// The text as PostgreSQL can store it: U+0000 replaced by U+FFFD.
    var storable: String {
        guard utf8.contains(0) else { return self }
        var scalars = UnicodeScalarView()
        scalars.append(contentsOf: unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 })
        return String(scalars)
    }
}

extension JSONValue {
    fileprivate var storable: JSONValue {
        switch self {
        case .null, .bool, .number: self
        case .string(let text): .string(text.storable)
        case .array(let elements): .array(elements.map(\.storable))
        case .object(let object):
            .object(
                JSONObject(
                    object.members.map {
                        .init(key: $0.key.storable, value: $0.value.storable)
                    }))
        }
    }
}
