// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import Maintenance
import ObjectStorage
import StorageTestSupport
import Synchronization
import Testing

/// Stops a process at its n-th effect, just before or just after it, as a crash would: from then
/// on nothing that this run does has any effect.
final class CrashPoint: Sendable {
    enum Moment: CaseIterable, Hashable, Sendable {
        case before
        case after
    }

    private struct State {
        var steps = 0
        var crashed = false
        var names: [String] = []
    }

    private let state = Mutex(State())
    private let step: Int
    private let moment: Moment

    /// Crashes at this step, counted from 1; 0 never does.
    init(at step: Int, _ moment: Moment) {
        self.step = step
        self.moment = moment
    }

    var steps: [String] { state.withLock { $0.names } }
    var hasCrashed: Bool { state.withLock { $0.crashed } }

    /// What a storage says once the process is dead.
    func dead(_ location: Location) -> StorageError {
        .unavailable(location, reason: "the process is dead")
    }

    /// Runs an effect, or nil when the process is dead before or after it.
    func effect<Value>(_ name: String, _ body: () async -> Value) async -> Value? {
        let isHere = state.withLock { state -> Bool? in
            if state.crashed { return nil }
            state.steps += 1
            state.names.append(name)
            if state.steps == step, moment == .before {
                state.crashed = true
                return nil
            }
            return state.steps == step
        }
        guard let isHere else { return nil }
        let value = await body()
        guard isHere else { return value }
        state.withLock { $0.crashed = true }
        return nil
    }
}

extension CrashPoint {
    /// Runs what dies here, what dies at another point after that, and then to the end: after each
    /// of them the table must look as it did.
    func survive<Look: Equatable>(
        then second: CrashPoint, seeing look: () async throws -> Look,
        run: (CrashPoint) async throws -> Void
    ) async throws {
        let before = try await look()
        for crash in [self, second] {
            // Whether a step so late is reached at all is another test's matter.
            do { try await run(crash) } catch { #expect(crash.hasCrashed, "\(error)") }
            #expect(try await look() == before)
        }
        try await run(CrashPoint(at: 0, .before))
        #expect(try await look() == before)
    }
}

/// A storage whose removals a crash point may stop; reads stop once it has crashed.
struct CrashingStorage<Base: ObjectStorage>: ForwardingStorage {
    let base: Base
    let crash: CrashPoint

    private func alive(_ location: Location) throws(StorageError) {
        if crash.hasCrashed { throw crash.dead(location) }
    }

    func read(_ location: Location, limit: Int) async throws(StorageError) -> [UInt8] {
        try alive(location)
        return try await base.read(location, limit: limit)
    }

    func read(_ location: Location, range: Range<Int64>) async throws(StorageError) -> [UInt8] {
        try alive(location)
        return try await base.read(location, range: range)
    }

    func stat(_ location: Location) async throws(StorageError) -> ObjectInfo? {
        try alive(location)
        return try await base.stat(location)
    }

    func write(
        _ bytes: [UInt8], to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo {
        try alive(location)
        return try await base.write(bytes, to: location, condition: condition)
    }

    func children(of prefix: Location) async throws(StorageError) -> [StorageChild] {
        try alive(prefix)
        return try await base.children(of: prefix)
    }

    func remove(_ locations: [Location]) async -> [RemovalOutcome] {
        var outcomes: [RemovalOutcome] = []
        for location in locations {
            let outcome = await crash.effect("remove") { await base.remove([location])[0] }
            outcomes.append(outcome ?? .failed(crash.dead(location)))
        }
        return outcomes
    }
}

/// A storage whose writes and copies, too, a crash point may stop.
struct DyingStorage<Base: ObjectStorage>: ForwardingStorage {
    let base: CrashingStorage<Base>
    private let crash: CrashPoint

    init(base: Base, crash: CrashPoint) {
        self.base = CrashingStorage(base: base, crash: crash)
        self.crash = crash
    }

    func write(
        _ bytes: [UInt8], to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo {
        let outcome = await crash.effect("write") { () async -> Result<ObjectInfo, StorageError> in
            do throws(StorageError) {
                return .success(try await base.write(bytes, to: location, condition: condition))
            } catch {
                return .failure(error)
            }
        }
        guard let outcome else { throw crash.dead(location) }
        return try outcome.get()
    }

    func copy(_ copies: [ObjectCopy]) async -> [CopyOutcome] {
        var outcomes: [CopyOutcome] = []
        for copy in copies {
            let outcome = await crash.effect("copy") { await base.base.copy([copy])[0] }
            outcomes.append(outcome ?? .failed(crash.dead(copy.destination)))
        }
        return outcomes
    }
}

/// A catalog whose commits a crash point may stop.
struct CrashingCatalog<Base: Catalog>: ForwardingCatalog {
    let base: Base
    let crash: CrashPoint

    func loadTable(_ identifier: TableIdentifier) async throws(CatalogError) -> LoadedTable {
        if crash.hasCrashed { throw .unavailable(reason: "the process is dead") }
        return try await base.loadTable(identifier)
    }

    func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement], to identifier: TableIdentifier,
        base table: LoadedTable, under commitGuard: CommitGuard
    ) async -> CommitOutcome {
        await crash.effect("commit") {
            await base.commit(
                updates, requirements: requirements, to: identifier, base: table,
                under: commitGuard)
        } ?? .unknown(reason: "the process is dead", metadataLocation: nil)
    }
}

/// A journal whose writes a crash point may stop.
struct CrashingJournal: MaintenanceJournal {
    let base: MemoryJournal
    let crash: CrashPoint

    private func run(
        _ name: String, _ body: () async throws(MaintenanceError) -> Void
    ) async throws(MaintenanceError) {
        let result = await crash.effect(name) { () async -> Result<Void, MaintenanceError> in
            do throws(MaintenanceError) { return .success(try await body()) } catch {
                return .failure(error)
            }
        }
        guard let result else { throw .unavailable(reason: "the process is dead") }
        try result.get()
    }

    func plan(_ files: [JournalledFile], tableUUID: String) async throws(MaintenanceError) {
        try await run("journal") { () async throws(MaintenanceError) in
            try await base.plan(files, tableUUID: tableUUID)
        }
    }

    func close(paths: [String]) async throws(MaintenanceError) {
        try await run("close") { () async throws(MaintenanceError) in
            try await base.close(paths: paths)
        }
    }

    func markUnknown() async throws(MaintenanceError) {
        try await run("unknown") { () async throws(MaintenanceError) in
            try await base.markUnknown()
        }
    }

    func openEntries(
        tableUUID: String, after id: Int64, limit: Int
    ) async throws(MaintenanceError) -> [OpenJournalledFile] {
        try await base.openEntries(tableUUID: tableUUID, after: id, limit: limit)
    }

    func closeReplayed(_ ids: [Int64]) async throws(MaintenanceError) {
        try await run("close replayed") { () async throws(MaintenanceError) in
            try await base.closeReplayed(ids)
        }
    }
}
