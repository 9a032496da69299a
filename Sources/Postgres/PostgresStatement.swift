// SPDX-License-Identifier: Apache-2.0

/// A statement with its parameters.
public struct PostgresStatement: Hashable, Sendable {
    /// What a lost reply means.
    public enum Effect: Hashable, Sendable {
        /// Nothing is stored: a lost reply is ``PostgresError/unavailable(reason:)``.
        case reads
        /// Something may be stored: a lost reply is ``PostgresError/outcomeUnknown(reason:)``.
        case writes
    }

    /// How the server keeps the statement.
    public enum Preparation: Hashable, Sendable {
        /// Prepared once per connection and run by name: for statements that come again.
        case kept
        /// Parsed for this run only.
        case once
    }

    /// One SQL command with `$1`, `$2`… for the parameters.
    public var sql: String
    /// The parameters.
    public var parameters: [PostgresValue]
    /// Whether it stores anything.
    public var effect: Effect
    /// Whether the server keeps it.
    public var preparation: Preparation

    /// Takes every field; the defaults suit a write that comes again.
    public init(
        _ sql: String, _ parameters: [PostgresValue] = [], effect: Effect = .writes,
        preparation: Preparation = .kept
    ) {
        self.sql = sql
        self.parameters = parameters
        self.effect = effect
        self.preparation = preparation
    }
}

/// Which statements a connection has prepared, under which names.
///
/// Pure bookkeeping: the connection tells it what the server confirmed.
struct StatementCache {
    /// The most prepared statements of one connection; the least recently used one goes first.
    static let limit = 128

    /// What to send for a statement.
    enum Lookup: Equatable {
        /// It is there under this name.
        case prepared(String)
        /// Prepare it under this name, after dropping the other one if there is one.
        case prepare(String, evicting: String?)
    }

    private struct Entry {
        let name: String
        var lastUse: UInt64
    }

    private var entries: [String: Entry] = [:]
    private var clock: UInt64 = 0

    /// How many statements are prepared.
    var count: Int { entries.count }

    /// Finds a statement, or makes room and a name for it.
    mutating func look(up sql: String) -> Lookup {
        clock += 1
        if let index = entries.index(forKey: sql) {
            entries.values[index].lastUse = clock
            return .prepared(entries.values[index].name)
        }
        var evicted: String?
        if entries.count >= Self.limit,
            let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse })
        {
            entries.removeValue(forKey: oldest.key)
            evicted = oldest.value.name
        }
        // Names are never used twice, so a late answer cannot be taken for another's.
        let name = "icepack_\(clock)"
        entries[sql] = Entry(name: name, lastUse: clock)
        return .prepare(name, evicting: evicted)
    }

    /// Forgets a statement that the server did not prepare, or no longer has.
    mutating func forget(_ sql: String) { entries.removeValue(forKey: sql) }
}
