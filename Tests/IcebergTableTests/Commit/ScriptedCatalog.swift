// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import ObjectStorage
import Synchronization

/// One table in memory, swapped by pointer, whose replies a test decides.
final class ScriptedCatalog: Catalog, Sendable {
    /// What becomes of one call.
    enum Turn: Sendable {
        /// It does what it should.
        case work
        /// Somebody else commits first.
        case lose
        /// It is refused for this reason, and nothing happens.
        case refuse(CommitRefusal)
        /// It happens, but the reply is lost.
        case loseReply
        /// The request is lost.
        case loseRequest
        /// The reply is lost and the commit arrives when the table was looked at so often.
        case arriveLate(looks: Int)
        /// The request is lost, and so many others commit.
        case loseRequestWhileOthersCommit(Int)
    }

    private struct State {
        var table: LoadedTable
        var version = 0
        var turns: [Turn]
        var loadErrors: [CatalogError?] = []
        var commits = 0
        var loads = 0
        var cancelledCommits = 0
        var late: (looks: Int, table: LoadedTable)?
    }

    let name = "scripted"
    static let identifier = TableIdentifier(namespace: ["db"], name: "t")
    private let tellsLocation: Bool
    private let state: Mutex<State>

    init(_ turns: [Turn], properties: [String: String] = [:], tellsLocation: Bool = true) throws {
        let settings = properties.map { #""\#($0.key)":"\#($0.value)""# }.joined(separator: ",")
        let metadata = try TableMetadata(
            parsing: Array(
                """
                {"format-version":2,"table-uuid":"9c12d441-03fe-4693-9a96-a0705ddf69c1",
                 "location":"/t","last-sequence-number":0,"last-updated-ms":1,"last-column-id":0,
                 "schemas":[{"type":"struct","schema-id":0,"fields":[]}],"current-schema-id":0,
                 "partition-specs":[{"spec-id":0,"fields":[]}],"default-spec-id":0,
                 "last-partition-id":999,"sort-orders":[{"order-id":0,"fields":[]}],
                 "default-sort-order-id":0,"properties":{\(settings)}}
                """.utf8))
        let table = LoadedTable(
            identifier: Self.identifier, metadataLocation: Location("/t/0"), metadata: metadata)
        self.tellsLocation = tellsLocation
        state = Mutex(State(table: table, turns: turns))
    }

    /// How often a commit was asked for.
    var commits: Int { state.withLock { $0.commits } }
    /// How often the table was loaded.
    var loads: Int { state.withLock { $0.loads } }
    /// How many commits came from a cancelled task: over a network their outcome would be unknown.
    var cancelledCommits: Int { state.withLock { $0.cancelledCommits } }
    /// The table as it is.
    var table: LoadedTable { state.withLock { $0.table } }

    /// What the next loads fail with; nil lets one through.
    func failLoads(_ errors: [CatalogError?]) { state.withLock { $0.loadErrors += errors } }

    func listTables() -> [TableIdentifier] { [Self.identifier] }

    func loadTable(_ identifier: TableIdentifier) throws(CatalogError) -> LoadedTable {
        try state.withLock { (state) throws(CatalogError) in
            state.loads += 1
            // As a pool of connections does, once there is something to ask about.
            if state.commits > 0, Task.isCancelled { throw .unavailable(reason: "cancelled") }
            if !state.loadErrors.isEmpty, let error = state.loadErrors.removeFirst() { throw error }
            if let late = state.late {
                state.late = late.looks > 1 ? (late.looks - 1, late.table) : nil
                if late.looks == 1 { state.table = late.table }
            }
            return state.table
        }
    }

    func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement],
        to identifier: TableIdentifier, base: LoadedTable, under commitGuard: CommitGuard
    ) -> CommitOutcome {
        state.withLock { state in
            state.commits += 1
            if Task.isCancelled { state.cancelledCommits += 1 }
            let turn = state.turns.isEmpty ? .work : state.turns.removeFirst()
            guard let next = Self.next(&state, updates, base) else {
                return .refused(.rejected(reason: "does not apply"))
            }
            let unknown = CommitOutcome.unknown(
                reason: "lost", metadataLocation: tellsLocation ? next.metadataLocation : nil)
            switch turn {
            case .work: return Self.swap(&state, base, next)
            case .lose:
                Self.others(&state, 1)
                return Self.swap(&state, base, next)
            case .refuse(let refusal): return .refused(refusal)
            case .loseReply:
                _ = Self.swap(&state, base, next)
            case .loseRequest: break
            case .arriveLate(let looks): state.late = (looks, next)
            case .loseRequestWhileOthersCommit(let count): Self.others(&state, count)
            }
            return unknown
        }
    }

    private static func swap(
        _ state: inout State, _ base: LoadedTable, _ next: LoadedTable
    ) -> CommitOutcome {
        guard state.table.metadataLocation == base.metadataLocation else {
            return .refused(.conflict(reason: "changed"))
        }
        state.table = next
        return .committed(next)
    }

    private static func others(_ state: inout State, _ count: Int) {
        for _ in 0..<count {
            let update = TableUpdate.setProperties(TableProperties(["other": "1"]))
            if let next = next(&state, [update], state.table) { state.table = next }
        }
    }

    private static func next(
        _ state: inout State, _ updates: [TableUpdate], _ base: LoadedTable
    ) -> LoadedTable? {
        state.version += 1
        let metadata = try? base.metadata.applying(
            updates, previousMetadataLocation: base.metadataLocation.rawValue, nowMilliseconds: 2)
        return metadata.map {
            LoadedTable(
                identifier: Self.identifier, metadataLocation: Location("/t/\(state.version)"),
                metadata: $0)
        }
    }
}
