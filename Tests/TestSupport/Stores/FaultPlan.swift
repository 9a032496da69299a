// SPDX-License-Identifier: Apache-2.0

import Jobs

/// Where a call to a store goes wrong.
public enum StoreFault: Hashable, Sendable, CaseIterable {
    /// Nothing happens and the caller is told so.
    case beforeEffect
    /// It happens, and the reply is lost.
    case afterEffect
}

/// A call to the store, by name.
public enum StoreCall: String, Hashable, Sendable, CaseIterable {
    case submit, submitClaimed, recordDryRun, claim, renew, record, setEngine, setEngineState
    case settle, recordAftermath, releaseLock, cancel, softDelete, sweep, engineHolds
    case job, jobs, purgeHistory, queueDepth
    case append, close, markUnknown, openEntries, closeReplayed
    case cachedTable, cachedTables, unreadableTables, tableCacheState, replaceCachedTables
    case recordObservation, confirmObservation, recordFailure, observation, observationTimes
    case healthHistory, firstSeen
    case recordRun, orchestratorRuns, orchestratorRun
    case audit, migrate, ping
}

/// Decides, call by call, which of them go wrong.
public struct FaultPlan: Sendable {
    /// The fault of a call, by its name and its number from 0 over all calls.
    public let fault: @Sendable (_ call: StoreCall, _ index: Int) -> StoreFault?

    /// Takes the decision as a function.
    public init(fault: @escaping @Sendable (StoreCall, Int) -> StoreFault?) {
        self.fault = fault
    }

    /// Nothing goes wrong.
    public static let none = FaultPlan { _, _ in nil }

    /// Only the call with this number goes wrong.
    public static func at(_ index: Int, _ fault: StoreFault) -> FaultPlan {
        FaultPlan { _, current in current == index ? fault : nil }
    }

    /// Every call of this name goes wrong.
    public static func every(_ call: StoreCall, _ fault: StoreFault) -> FaultPlan {
        FaultPlan { current, _ in current == call ? fault : nil }
    }

    /// About one call in so many goes wrong, the same ones for the same seed.
    public static func random(seed: UInt64, oneIn rarity: UInt64) -> FaultPlan {
        FaultPlan { _, index in
            var generator = SeededGenerator(seed: seed &+ UInt64(index) &* 0x9E37_79B9)
            guard generator.next() % max(rarity, 1) == 0 else { return nil }
            return generator.next() % 2 == 0 ? .beforeEffect : .afterEffect
        }
    }
}
