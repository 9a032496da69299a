// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
import IcebergSpec
import ObjectStorage

/// Commits to a table until it is in, cannot get in, or nobody can tell (P-30…P-33).
///
/// Each attempt loads the table, plans on what it found, asks the guard and commits. What follows
/// an attempt is decided by ``CommitStateMachine``, under the table's own `commit.retry.*` and
/// `commit.status-check.*` properties.
public struct TableCommitter<
    Tables: Catalog, Time: Clock, Random: RandomNumberGenerator & Sendable
>: Sendable where Time.Duration == Duration {
    private let catalog: Tables
    private let clock: Time
    private let random: Random

    /// Commits to a catalog's tables, pausing by a clock and for times drawn from a generator.
    public init(catalog: Tables, clock: Time, random: Random) {
        self.catalog = catalog
        self.clock = clock
        self.random = random
    }

    /// Plans and commits, again and again if need be.
    ///
    /// When `plan` is called again, every earlier proposal certainly did not get in. It returns nil
    /// if the table as loaded needs no change. Cancelling the task ends it before the next attempt;
    /// an attempt that was made is followed to its end, but without pauses.
    ///
    /// - Parameters:
    ///   - identifier: the table.
    ///   - confirm: called right before every commit; what it throws stops without committing
    ///     (P-33: renew the lease here).
    ///   - commitGuard: asked once more at the commit itself, which may be a while later.
    ///   - plan: what to commit to the table as it is now.
    /// - Throws: what `confirm` and `plan` throw. Nothing was committed then.
    public func commit<Stop: Error>(
        to identifier: TableIdentifier,
        confirm: () async throws(Stop) -> Void,
        under commitGuard: CommitGuard = .open,
        plan: (LoadedTable) async throws(Stop) -> CommitProposal?
    ) async throws(Stop) -> CommitResult {
        var run = CommitRun<Time, Random>(started: clock.now, random: random)
        while true {
            let refusal: CommitRefusal
            switch await load(identifier) {
            case .failure(let error): refusal = CommitRefusal(loading: error)
            case .success(let base):
                if let problem = run.adopt(base.metadata.properties) {
                    return .refused(.rejected(reason: problem), attempts: run.machine.attempts)
                }
                guard let proposal = try await plan(base) else { return .unneeded(base) }
                try await confirm()
                switch await attempt(proposal, on: base, under: commitGuard, in: &run) {
                case .committed(let table):
                    return .committed(table, attempts: run.machine.attempts + 1)
                case .unknown(let reason, _): return .unknown(reason: reason)
                case .refused(let reason): refusal = reason
                }
            }
            switch run.refused(refusal, at: clock.now) {
            case .attempt(let pause):
                guard await wait(pause) else {
                    return .refused(refusal, attempts: run.machine.attempts)
                }
            case .giveUp, .check, .stayUnknown:
                return .refused(refusal, attempts: run.machine.attempts)
            }
        }
    }

    /// One commit, and the search for what became of it if its reply got lost.
    private func attempt(
        _ proposal: CommitProposal, on base: LoadedTable, under commitGuard: CommitGuard,
        in run: inout CommitRun<Time, Random>
    ) async -> CommitOutcome {
        // Unstructured, and so out of reach of a cancellation: a request that is cut off in the
        // middle is an outcome that nobody knows. It has its own limits of time.
        let outcome = await Task { [catalog] in
            await catalog.commit(
                proposal.updates, requirements: proposal.requirements, to: base.identifier,
                base: base, under: commitGuard)
        }.value
        guard case .unknown(let reason, let location) = outcome else { return outcome }
        var action = run.becameUnknown(at: clock.now)
        while case .check(let pause) = action {
            // Cancelled or not, the table is looked at: the caller must know what it may clean up.
            _ = await wait(pause)
            let found = await look(for: proposal, at: location, on: base)
            switch found {
            case .settled(let outcome): return outcome
            case .unsettled(let detail):
                action = run.stillUnknown("\(reason); \(detail)", at: clock.now)
            }
        }
        guard case .stayUnknown(let detail) = action else { return outcome }
        return .unknown(reason: detail, metadataLocation: location)
    }

    private enum Finding {
        case settled(CommitOutcome)
        case unsettled(String)
    }

    private func look(
        for proposal: CommitProposal, at location: Location?, on base: LoadedTable
    ) async -> Finding {
        let table: LoadedTable
        let identifier = base.identifier
        let catalog = catalog
        // In a task of its own, because a cancelled one could not ask a catalog: its connections
        // would refuse, and what became of the commit would stay unknown for no reason.
        let loading = Task { await Self.load(identifier, from: catalog) }
        switch await loading.value {
        case .failure(let error): return .unsettled("reading back: \(error)")
        case .success(let loaded): table = loaded
        }
        if let location {
            switch CommitEvidence(of: location, base: base.metadataLocation, in: table) {
            case .applied: return .settled(.committed(table))
            case .refused:
                return .settled(
                    .refused(.conflict(reason: "another commit followed the same version")))
            case .inconclusive: break
            }
        }
        if proposal.isApplied(table) { return .settled(.committed(table)) }
        return .unsettled("the table does not show it")
    }

    private func load(_ identifier: TableIdentifier) async -> Result<LoadedTable, CatalogError> {
        await Self.load(identifier, from: catalog)
    }

    private static func load(
        _ identifier: TableIdentifier, from catalog: Tables
    ) async -> Result<LoadedTable, CatalogError> {
        do throws(CatalogError) { return .success(try await catalog.loadTable(identifier)) } catch {
            return .failure(error)
        }
    }

    /// False if the task was cancelled.
    private func wait(_ pause: Duration) async -> Bool {
        do {
            try Task.checkCancellation()
            if pause > .zero { try await clock.sleep(for: pause) }
            return true
        } catch {
            // Clocks sleep until cancelled and throw nothing else.
            return false
        }
    }
}

extension TableCommitter where Time == ContinuousClock, Random == SystemRandomNumberGenerator {
    /// Commits to a catalog's tables in real time.
    public init(catalog: Tables) {
        self.init(catalog: catalog, clock: ContinuousClock(), random: SystemRandomNumberGenerator())
    }
}

/// The state of one call: the machine, its beginning and its dice.
private struct CommitRun<Time: Clock, Random: RandomNumberGenerator>
where Time.Duration == Duration {
    private(set) var machine = CommitStateMachine(
        retry: .commitDefault, statusCheck: .statusCheckDefault)
    private let started: Time.Instant
    private var random: Random

    init(started: Time.Instant, random: Random) {
        self.started = started
        self.random = random
    }

    /// Takes the table's settings; returns what is wrong with them.
    mutating func adopt(_ properties: TableProperties) -> String? {
        do throws(UnreadableProperty) {
            try machine.adopt(
                retry: .commit(of: properties), statusCheck: .statusCheck(of: properties))
            return nil
        } catch {
            return error.description
        }
    }

    mutating func refused(
        _ refusal: CommitRefusal, at now: Time.Instant
    ) -> CommitStateMachine.Action {
        machine.refused(refusal, elapsed: started.duration(to: now), using: &random)
    }

    mutating func becameUnknown(at now: Time.Instant) -> CommitStateMachine.Action {
        machine.becameUnknown(elapsed: started.duration(to: now))
    }

    mutating func stillUnknown(
        _ reason: String, at now: Time.Instant
    ) -> CommitStateMachine.Action {
        machine.stillUnknown(reason: reason, elapsed: started.duration(to: now), using: &random)
    }
}

extension CommitRefusal {
    /// What a table that cannot be loaded means for a commit to it.
    fileprivate init(loading error: CatalogError) {
        switch error {
        case .unavailable: self = .unavailable(reason: error.description)
        case .noSuchTable, .unreadableTable, .denied: self = .rejected(reason: error.description)
        }
    }
}
