// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import Synchronization

/// A catalog in which somebody else does something around each of our commits.
struct InterferingCatalog<Base: Catalog>: ForwardingCatalog {
    enum Moment: Hashable, Sendable {
        case beforeCommit
        case afterCommit
    }

    let base: Base
    let interfere: @Sendable (Moment, _ commit: Int) async throws -> Void
    private let commits = Counter()

    init(
        base: Base, interfere: @escaping @Sendable (Moment, _ commit: Int) async throws -> Void
    ) {
        self.base = base
        self.interfere = interfere
    }

    func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement], to identifier: TableIdentifier,
        base table: LoadedTable, under commitGuard: CommitGuard
    ) async -> CommitOutcome {
        let number = commits.next()
        do {
            try await interfere(.beforeCommit, number)
            let outcome = await base.commit(
                updates, requirements: requirements, to: identifier, base: table,
                under: commitGuard)
            try await interfere(.afterCommit, number)
            return outcome
        } catch {
            return .refused(.rejected(reason: "the test's interference failed: \(error)"))
        }
    }
}

/// Counts from 1.
final class Counter: Sendable {
    private let value = Mutex(0)

    func next() -> Int {
        value.withLock { value in
            value += 1
            return value
        }
    }
}
