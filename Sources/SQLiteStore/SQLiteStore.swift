// SPDX-License-Identifier: Apache-2.0

internal import GRDB
public import Jobs
public import Logging
import Synchronization

/// The store in one SQLite file, for one machine: any number of processes on it may share the file.
///
/// Every write is one `BEGIN IMMEDIATE` transaction, durable (`synchronous=FULL`) when the call
/// returns, and judged by SQLite's own clock, read inside it. A call goes on when the task that
/// made it is cancelled: half a settlement would help nobody.
public final class SQLiteStore: Sendable {
    /// How long a call waits for another process's transaction before it is unavailable.
    public static let busyTimeout: Duration = .seconds(10)

    let path: String
    /// The file that was opened.
    private let stamp: FileStamp?
    let pool: DatabasePool
    let hub = SignalHub()
    let logger: Logger
    let time: StoreTime
    let isShutDown = Mutex(false)
    let watcher = Mutex<Task<Void, Never>?>(nil)

    /// Opens the file, creating it (mode 0600) and the folder it lies in if need be.
    ///
    /// Call ``migrate()`` next.
    public convenience init(path: String, logger: Logger) throws(JobStoreError) {
        try self.init(path: path, logger: logger, time: StoreTime(), busyTimeout: Self.busyTimeout)
    }

    /// As ``init(path:logger:)``, with a clock that a test can move and another patience.
    package init(
        path: String, logger: Logger, time: StoreTime, busyTimeout: Duration
    ) throws(JobStoreError) {
        self.path = path
        self.logger = logger
        self.time = time
        try DatabaseFile.prepare(at: path)
        pool = try mappingErrors { () throws in
            try Self.open(path, busyTimeout: busyTimeout)
        }
        stamp = FileStamp(of: path)
    }

    /// Whether the path still leads to the file that was opened.
    ///
    /// If not, SQLite goes on in a file that nobody will ever find again.
    var isInPlace: Bool { stamp != nil && FileStamp(of: path) == stamp }

    private static func open(_ path: String, busyTimeout: Duration) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(busyTimeout / .seconds(1))
        configuration.label = "icepack.store"
        let pool = try DatabasePool(path: path, configuration: configuration)
        try pool.writeWithoutTransaction { database in
            // Only now: opening a pool in WAL mode sets NORMAL, which may lose the last commits
            // when the power fails, whatever was prepared before.
            try database.execute(sql: "PRAGMA synchronous = FULL")
            let synchronous = try Int.fetchOne(database, sql: "PRAGMA synchronous")
            let journal = try String.fetchOne(database, sql: "PRAGMA journal_mode")
            guard synchronous == 2, journal == "wal" else {
                throw JobStoreError.unavailable(
                    reason: "SQLite refused durable write-ahead logging "
                        + "(synchronous \(synchronous ?? -1), journal \(journal ?? "none")); "
                        + "the store needs a local file system")
            }
        }
        return pool
    }
}

/// SQLite's clock, and by how far a test has moved it.
package final class StoreTime: Sendable {
    private let shift = Mutex<Int64>(0)

    /// The clock as it is.
    package init() {}

    /// Moves the clock.
    package func advance(by duration: Duration) {
        shift.withLock { $0 += duration.microseconds }
    }

    /// Microseconds to be added to what SQLite says.
    var shiftMicroseconds: Int64 { shift.withLock { $0 } }
}

extension Duration {
    /// Whole microseconds, rounded towards zero.
    var microseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    }
}
