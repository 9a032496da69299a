// SPDX-License-Identifier: Apache-2.0

import Logging
public import WireFormat

/// Asks the engine of a job that is over to stop whatever of it still runs, and returns the
/// aftermath; nil if no engine can tell, and the table stays held.
public typealias HoldInspector = @Sendable (EngineHold) async -> JSONValue?

/// What became of the holds that were looked at.
public struct HoldReport: Hashable, Sendable {
    /// Their engine has stopped: the table is free.
    public var settled: [JobID]
    /// Held on.
    public var held: [JobID]

    /// Takes both.
    public init(settled: [JobID] = [], held: [JobID] = []) {
        self.settled = settled
        self.held = held
    }
}

/// One look at every table that is held for an engine.
struct HoldInspection<Store: JobQueue>: Sendable {
    /// How many engines' states are looked at at the same time: a look may take two minutes.
    static var width: Int { 4 }

    let store: Store
    let inspect: HoldInspector
    let logger: Logger
    let random: @Sendable () -> UInt64

    /// Looks at some of the holds, which ones is left to chance: those that nobody can settle must
    /// not keep the others waiting.
    ///
    /// Any number of processes may look at once: asking an engine to stop what has stopped changes
    /// nothing, and the aftermath is fenced.
    func run(limit: Int) async throws(JobStoreError) -> HoldReport {
        let holds = some(limit, of: try await store.engineHolds(limit: EngineHold.maximumPage))
        return await withTaskGroup(of: (JobID, Bool).self) { group in
            var report = HoldReport()
            var waiting = holds[...]
            for hold in waiting.prefix(Self.width) { add(hold, to: &group) }
            waiting = waiting.dropFirst(Self.width)
            while let (job, isSettled) = await group.next() {
                if isSettled { report.settled.append(job) } else { report.held.append(job) }
                if !Task.isCancelled, let next = waiting.popFirst() { add(next, to: &group) }
            }
            return report
        }
    }

    private func some(_ count: Int, of holds: [EngineHold]) -> [EngineHold] {
        guard holds.count > count else { return holds }
        var order = holds
        for index in 0..<min(count, order.count) {
            let left = UInt64(order.count - index)
            order.swapAt(index, index + Int(random() % left))
        }
        return Array(order.prefix(count))
    }

    private func add(_ hold: EngineHold, to group: inout TaskGroup<(JobID, Bool)>) {
        group.addTask { (hold.claim.jobID, await settle(hold)) }
    }

    /// Whether the engine has stopped and the store knows.
    private func settle(_ hold: EngineHold) async -> Bool {
        let aftermath = await ask(about: hold)
        let isStopped = aftermath.map(Aftermath.saysStopped) ?? false
        var metadata: Logger.Metadata = [
            "job.id": "\(hold.claim.jobID)", "table.name": "\(hold.table)",
        ]
        guard let aftermath, isStopped || !Aftermath.saysTheSame(hold.aftermath, aftermath) else {
            logger.info("engine_hold_kept", metadata: metadata)
            return false
        }
        do throws(JobStoreError) {
            try await store.recordAftermath(aftermath, underRevoked: hold.claim)
        } catch {
            // The next look comes to the same.
            metadata["error"] = "\(error)"
            logger.warning("engine_hold_not_recorded", metadata: metadata)
            return false
        }
        logger.info(isStopped ? "engine_hold_settled" : "engine_hold_kept", metadata: metadata)
        return isStopped
    }

    /// The engine's answer; nil as soon as this task is cancelled.
    private func ask(about hold: EngineHold) async -> JSONValue? {
        let inspect = inspect
        let (answers, mailbox) = AsyncStream.makeStream(of: JSONValue?.self)
        // Left behind when this task is cancelled: an engine may take a minute to answer, and a
        // process that was told to stop has seconds. The next look asks again.
        Task {
            mailbox.yield(await inspect(hold))
            mailbox.finish()
        }
        for await answer in answers { return answer }
        return nil
    }
}
