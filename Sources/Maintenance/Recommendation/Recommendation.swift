// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// What should be run on a table under its policy, with the reason for every yes and every no.
///
/// Advisory: nothing follows from it by itself.
public struct Recommendation: Sendable {
    /// What one action's planner says.
    public struct Verdict: Hashable, Sendable {
        /// The action.
        public let action: MaintenanceAction
        /// Whether it should be run.
        public let isRecommended: Bool
        /// A sentence, in words and numbers.
        public let reason: String
        /// The numbers compared with their thresholds.
        public let evidence: JSONObject
        /// Why the native engine would do nothing of it; nil if it would do something.
        public private(set) var nativeProblem: String?
        /// Whether the planner finds work that cannot be done for now.
        public let isObstructed: Bool

        /// Takes the other fields.
        public init(
            _ action: MaintenanceAction, _ isRecommended: Bool, _ reason: String,
            _ evidence: KeyValuePairs<String, JSONValue> = [:]
        ) {
            self.action = action
            self.isRecommended = isRecommended
            self.reason = reason
            isObstructed = false
            self.evidence = JSONObject(evidence.map { .init(key: $0.key, value: $0.value) })
        }

        /// The same verdict against the action.
        ///
        /// - Parameter isObstructed: Whether that is something about this table or its engine.
        public func refused(_ reason: String, isObstructed: Bool = true) -> Verdict {
            Verdict(
                action: action, isRecommended: false, reason: reason, evidence: evidence,
                isObstructed: isObstructed)
        }

        /// The same verdict on what the native engine leaves as it is for this reason.
        func beyondNative(_ problem: String?) -> Verdict {
            var verdict = self
            verdict.nativeProblem = problem
            return verdict
        }

        private init(
            action: MaintenanceAction, isRecommended: Bool, reason: String, evidence: JSONObject,
            isObstructed: Bool
        ) {
            self.action = action
            self.isRecommended = isRecommended
            self.reason = reason
            self.evidence = evidence
            self.isObstructed = isObstructed
        }
    }

    /// Why nothing is recommended at all.
    public struct Skip: Hashable, Sendable {
        /// The reasons, by the names in the REST contract.
        public enum Code: String, CaseIterable, Hashable, Sendable {
            /// `maintenance_enabled=false`, or unset under opt-in.
            case notEnrolled = "not_enrolled"
            /// `compaction_skip=true`.
            case skipProperty = "skip_property"
            /// The database is not in the allowlist.
            case notAllowlisted = "not_allowlisted"
            /// Maintained not long ago.
            case cadenceNotDue = "cadence_not_due"
            /// A job is pending or running.
            case activeJob = "active_job"
            /// What is known of the table is too old to act on.
            case statusStale = "status_stale"
            /// What the planners find cannot be done for now.
            case obstructed
            /// No action's planner finds anything.
            case nothingToDo = "nothing_to_do"
        }

        /// The machine's name.
        public let code: Code
        /// A sentence, in words and numbers.
        public let reason: String

        /// Pairs a name with a sentence.
        public init(_ code: Code, _ reason: String) {
            self.code = code
            self.reason = reason
        }
    }

    /// When the table is due.
    public struct Cadence: Hashable, Sendable {
        /// How often.
        public let hours: Int64
        /// When a job on the table last completed.
        public let lastCompletedAt: Timestamp?
        /// When the next one is due; nil for at once.
        public let nextDueAt: Timestamp?
        /// Whether it is due now.
        public let isDue: Bool

        /// Counts from the last job that completed.
        public init(hours: Int64, lastCompletedAt: Timestamp?, now: Timestamp) {
            self.hours = hours
            self.lastCompletedAt = lastCompletedAt
            nextDueAt = lastCompletedAt.map { $0.advanced(by: .seconds(hours * 3600)) }
            isDue = nextDueAt.map { $0 <= now } ?? true
        }
    }

    /// One verdict for each action, in execution order.
    public let verdicts: [Verdict]
    /// Why nothing is recommended; empty when something is.
    public let skips: [Skip]
    /// When the table is due.
    public let cadence: Cadence
    /// The policy that decided.
    public let policy: MaintenancePolicy
    /// Which engine would run the actions; nil when there is none to run.
    public let engine: EngineChoice?

    /// The actions to run, in order; empty whenever there is a reason to skip.
    public var actions: [MaintenanceAction] {
        skips.isEmpty ? verdicts.filter(\.isRecommended).map(\.action) : []
    }

    /// Joins the verdicts of the planners with everything that may speak against running now.
    ///
    /// - Parameter verdicts: one for each action, in execution order; what is recommended has an
    ///   engine (``obstacle(to:_:_:)``).
    /// - Parameter skips: what is known to speak against it, in the order in which it is asked.
    public init(
        verdicts: [Verdict], skips: [Skip], cadence: Cadence, policy: MaintenancePolicy,
        router: EngineRouter
    ) {
        let routed = verdicts.filter(\.isRecommended).map { RoutedAction($0.action) }
        do throws(NoEngineForAction) {
            engine = try router.choose(routed, preferring: policy.engine.value)
        } catch {
            // Every action in the list was found to have an engine.
            engine = nil
        }
        self.verdicts = verdicts
        self.cadence = cadence
        self.policy = policy
        var skips = skips
        if !cadence.isDue, let next = cadence.nextDueAt, let last = cadence.lastCompletedAt {
            skips.append(
                Skip(
                    .cadenceNotDue,
                    "the last job completed at \(last), and with a cadence of "
                        + "\(ReportWording.count(cadence.hours, "hour")) the next is due at "
                        + "\(next)"))
        }
        if !verdicts.contains(where: \.isRecommended) { skips.append(Self.idleness(verdicts)) }
        self.skips = skips
    }

    /// Why none of the verdicts is for its action.
    private static func idleness(_ verdicts: [Verdict]) -> Skip {
        let obstructed = verdicts.filter(\.isObstructed)
        guard !obstructed.isEmpty else {
            return Skip(.nothingToDo, "no action's planner finds anything to do")
        }
        return Skip(
            .obstructed,
            obstructed.map { "\($0.action.rawValue): \($0.reason)" }.joined(separator: "; "))
    }

    /// Why the engine that a job would choose does not do what is recommended; nil if it does.
    public static func obstacle(
        to verdict: Verdict, _ router: EngineRouter, _ preference: EnginePreference
    ) -> String? {
        let native = EnginePreference.native.rawValue
        do throws(NoEngineForAction) {
            let choice = try router.choose(verdict.action, preferring: preference)
            guard choice.engine == native, let problem = verdict.nativeProblem else { return nil }
            let hasOther = router.engines.contains {
                $0.name != native && $0.actions.contains(verdict.action)
            }
            return "the native engine would leave that as it is, because \(problem): "
                + (hasOther
                    ? "set the table property \(PolicyReader.prefix)engine to spark"
                    : "configure the Spark engine (ICEPACK_SPARK_HOST) for it")
        } catch {
            return error.reason
        }
    }

    /// The REST contract's members but `table` and `history`.
    public var members: [JSONObject.Member] {
        [
            .init(
                key: "recommended_actions",
                value: .array(actions.map { .string($0.rawValue) })),
            .init(key: "actions", value: .array(verdicts.map(\.json))),
            .init(key: "policy", value: policy.json),
            .init(key: "cadence", value: cadence.json),
            .init(key: "skip_reasons", value: .array(skips.map { .string($0.code.rawValue) })),
            .init(
                key: "skip_details",
                value: .array(
                    skips.map {
                        ["code": .string($0.code.rawValue), "reason": .string($0.reason)]
                    })),
            .init(
                key: "engine",
                value: [
                    "choice": .optional(engine?.engine), "reason": .optional(engine?.reason),
                ]),
            .init(
                key: "warnings", value: .array(policy.warnings.map { .string($0) })),
        ]
    }
}

extension Recommendation.Verdict {
    var json: JSONValue {
        [
            "action": .string(action.rawValue), "recommended": .bool(isRecommended),
            "reason": .string(reason), "evidence": .object(evidence),
        ]
    }
}

extension Recommendation.Cadence {
    var json: JSONValue {
        [
            "hours": .integer(hours),
            "last_completed_at": .optional(lastCompletedAt?.description),
            "next_due_at": .optional(nextDueAt?.description), "due": .bool(isDue),
        ]
    }
}
