// SPDX-License-Identifier: Apache-2.0

/// Decides who gets which connection, and when to open and close them.
///
/// It does no I/O and holds no clock: ``PostgresPool`` tells it what happened and does what it
/// says. Invariants: `leased + idle + connecting <= maximum`; nobody waits while a connection is
/// idle; waiters are served in the order in which they came.
struct PoolStateMachine<Member: Equatable, Waiter> {
    /// What becomes of a connection that is free.
    enum Placement {
        /// It goes straight to this waiter.
        case handOver(Waiter)
        /// It waits for the next caller.
        case keep
        /// It is not wanted.
        case close
    }

    /// What becomes of a caller who found no idle connection.
    enum Admission {
        case member(Member)
        case waiting
        case refused(PostgresError)
    }

    /// Most callers who may wait at a time.
    static var maximumWaiters: Int { 10_000 }
    static var firstRetry: Duration { .milliseconds(50) }
    static var slowestRetry: Duration { .seconds(2) }

    private struct Idle {
        let member: Member
        let since: UInt64
    }

    private let minimum: Int
    private let maximum: Int
    private var idle: [Idle] = []
    private(set) var leased: [Member] = []
    private(set) var connecting = 0
    private var waiters: [(id: UInt64, waiter: Waiter)] = []
    private var failures = 0
    private var isBackingOff = false
    private var hasStarted = false
    private(set) var isClosed = false
    /// Why the last attempt to connect failed, until one succeeds.
    private(set) var lastFailure: String?

    init(minimum: Int, maximum: Int) {
        self.minimum = minimum
        self.maximum = maximum
    }

    /// How many connections are open.
    var openCount: Int { idle.count + leased.count }
    /// How many callers wait.
    var waiterCount: Int { waiters.count }
    /// Whether everything has come to rest after ``close()``.
    var isDrained: Bool { isClosed && leased.isEmpty && connecting == 0 }

    /// The most recently used idle connection, so that the others can grow old and be trimmed.
    mutating func takeIdle() -> Member? {
        guard !isClosed, let newest = idle.popLast() else { return nil }
        leased.append(newest.member)
        return newest.member
    }

    /// Puts a caller at the end of the queue, unless a connection became free meanwhile.
    mutating func admit(_ waiter: Waiter, id: UInt64) -> Admission {
        if isClosed { return .refused(.closed) }
        if let member = takeIdle() { return .member(member) }
        guard waiters.count < Self.maximumWaiters else {
            return .refused(.unavailable(reason: "\(Self.maximumWaiters) callers wait already"))
        }
        hasStarted = true
        waiters.append((id, waiter))
        return .waiting
    }

    /// Takes a caller out of the queue; nil if it has been served.
    mutating func withdraw(_ id: UInt64) -> Waiter? {
        guard let index = waiters.firstIndex(where: { $0.id == id }) else { return nil }
        return waiters.remove(at: index).waiter
    }

    /// A caller gave a connection back.
    mutating func release(_ member: Member, isReusable: Bool, now: UInt64) -> Placement {
        if let index = leased.firstIndex(of: member) { leased.remove(at: index) }
        return isReusable ? place(member, now: now) : .close
    }

    /// A connection was opened.
    mutating func connected(_ member: Member, now: UInt64) -> Placement {
        connecting -= 1
        failures = 0
        lastFailure = nil
        return place(member, now: now)
    }

    /// An attempt to connect failed.
    ///
    /// The next one waits for ``retryIsDue()``.
    ///
    /// - Returns: how long to wait before that; nil if nothing is to be tried again.
    mutating func connectFailed(_ reason: String) -> Duration? {
        connecting -= 1
        lastFailure = reason
        guard !isClosed, !isBackingOff else { return nil }
        isBackingOff = true
        let delay = Self.firstRetry * (1 << min(failures, 10))
        failures += 1
        return min(delay, Self.slowestRetry)
    }

    /// The wait after a failure is over.
    mutating func retryIsDue() { isBackingOff = false }

    /// An idle connection broke by itself.
    mutating func broke(_ member: Member) { idle.removeAll { $0.member == member } }

    /// How many connections to open now; they count as being opened from here on.
    mutating func connectionsToOpen() -> Int {
        guard hasStarted, !isClosed, !isBackingOff else { return 0 }
        let room = maximum - openCount - connecting
        let wanted = max(waiters.count - connecting, minimum - openCount - connecting)
        // After a failure one attempt at a time finds out whether the server is back.
        let count = max(0, min(room, wanted, failures > 0 ? 1 - connecting : .max))
        connecting += count
        return count
    }

    /// Idle connections beyond the minimum that nobody has used since the instant given.
    mutating func trim(unusedSince instant: UInt64) -> [Member] {
        let excess = max(0, openCount - minimum)
        let old = idle.prefix { $0.since <= instant }.prefix(excess).map(\.member)
        idle.removeFirst(old.count)
        return old
    }

    /// Fails everybody who waits.
    mutating func dismissWaiters() -> [Waiter] {
        defer { waiters = [] }
        return waiters.map(\.waiter)
    }

    /// Lets nobody in any more.
    mutating func close() -> (idle: [Member], waiters: [Waiter]) {
        isClosed = true
        defer { idle = [] }
        return (idle.map(\.member), dismissWaiters())
    }

    private mutating func place(_ member: Member, now: UInt64) -> Placement {
        if isClosed { return .close }
        guard waiters.isEmpty else {
            leased.append(member)
            return .handOver(waiters.removeFirst().waiter)
        }
        idle.append(Idle(member: member, since: now))
        return .keep
    }
}
