// SPDX-License-Identifier: Apache-2.0

internal import CPQ
internal import Glibc
internal import Synchronization

/// The one thread that waits for every connection's socket.
///
/// A calling task sends on its own thread; this thread receives, and resumes the task that waits,
/// so a statement costs one hop. It also carries timers and tells every connection the time now and
/// then, for deadlines. It never blocks on anything but `epoll_wait`, and it never ends.
final class Reactor: Sendable {
    /// How often connections are told the time: the precision of a statement's deadline.
    static let tickMilliseconds: UInt64 = 500
    private static let eventBatch = 64
    /// The token of the eventfd; connections count from 1.
    private static let wakeToken: UInt64 = 0

    private struct Timer {
        let deadline: UInt64
        let token: UInt64
        let action: @Sendable () -> Void
    }

    private struct State {
        var connections: [UInt64: PostgresConnection] = [:]
        /// Latest deadline first, so that due timers are popped from the end.
        var timers: [Timer] = []
        var lastToken: UInt64 = Reactor.wakeToken
    }

    private let epoll: Int32
    private let wakeUp: Int32
    private let state = Mutex(State())

    private static let instance = Mutex<Reactor?>(nil)

    /// The process's reactor, made on first use.
    ///
    /// - Throws: ``PostgresError/unavailable(reason:)`` if the process has no descriptor or thread
    ///   left for it; a later call tries again.
    static func shared() throws(PostgresError) -> Reactor {
        let made: Result<Reactor, PostgresError> = instance.withLock { current in
            if let current { return .success(current) }
            do throws(PostgresError) {
                let reactor = try Reactor()
                current = reactor
                return .success(reactor)
            } catch {
                return .failure(error)
            }
        }
        return try made.get()
    }

    private init() throws(PostgresError) {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw .unavailable(reason: "epoll_create1: errno \(errno)") }
        wakeUp = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard wakeUp >= 0 else {
            close(epoll)
            throw .unavailable(reason: "eventfd: errno \(errno)")
        }
        var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data(u64: Self.wakeToken))
        guard epoll_ctl(epoll, EPOLL_CTL_ADD, wakeUp, &event) == 0 else {
            let code = errno
            close(wakeUp)
            close(epoll)
            throw .unavailable(reason: "epoll_ctl: errno \(code)")
        }
        try startThread()
    }

    private func startThread() throws(PostgresError) {
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(self)
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Reactor>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, argument.toOpaque())
        guard code == 0 else {
            argument.release()
            close(wakeUp)
            close(epoll)
            throw .unavailable(reason: "pthread_create: \(code)")
        }
        pthread_detach(thread)
    }
}

// MARK: - Connections

extension Reactor {
    /// Watches a connection's socket; the reactor keeps the connection alive until ``remove``.
    ///
    /// - Returns: the token to change or remove it with.
    func add(_ connection: PostgresConnection, socket: Int32) throws(PostgresError) -> UInt64 {
        let token = state.withLock { state in
            state.lastToken += 1
            state.connections[state.lastToken] = connection
            return state.lastToken
        }
        var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data(u64: token))
        guard epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) == 0 else {
            let code = errno
            _ = state.withLock { $0.connections.removeValue(forKey: token) }
            throw .unavailable(reason: "epoll_ctl: errno \(code)")
        }
        return token
    }

    /// Says whether to wait until the socket takes more bytes as well.
    func setWantsWrite(_ wantsWrite: Bool, token: UInt64, socket: Int32) {
        let interest = EPOLLIN.rawValue | (wantsWrite ? EPOLLOUT.rawValue : 0)
        var event = epoll_event(events: interest, data: epoll_data(u64: token))
        // It cannot fail for a descriptor that is registered, and callers hold the lock that
        // unregistering takes.
        epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &event)
    }

    /// Forgets a connection; before its socket is closed, since the number may come again.
    func remove(token: UInt64, socket: Int32) {
        var event = epoll_event()
        epoll_ctl(epoll, EPOLL_CTL_DEL, socket, &event)
        _ = state.withLock { $0.connections.removeValue(forKey: token) }
    }
}

// MARK: - Timers

extension Reactor {
    /// Runs the action once, on the reactor's thread, so it must be short.
    ///
    /// - Returns: the token to cancel it with.
    func schedule(after delay: Duration, _ action: @escaping @Sendable () -> Void) -> UInt64 {
        let deadline = Self.now() &+ UInt64(clamping: max(0, delay.milliseconds)) &* 1_000_000
        let (token, isEarliest) = state.withLock { state in
            state.lastToken += 1
            let timer = Timer(deadline: deadline, token: state.lastToken, action: action)
            let index = state.timers.firstIndex { $0.deadline <= deadline } ?? state.timers.endIndex
            state.timers.insert(timer, at: index)
            return (state.lastToken, index == state.timers.endIndex - 1)
        }
        if isEarliest { wake() }
        return token
    }

    /// Takes a timer back; no effect if it has run.
    func cancelTimer(_ token: UInt64) {
        state.withLock { $0.timers.removeAll { $0.token == token } }
    }

    /// Nanoseconds of the monotonic clock.
    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    private func wake() {
        var one: UInt64 = 1
        // Fails only when the counter is full, and then the thread is about to wake up anyway.
        _ = write(wakeUp, &one, MemoryLayout<UInt64>.size)
    }
}

// MARK: - The thread

extension Reactor {
    private func run() {
        // Signals are for threads that expect them.
        var signals = sigset_t()
        sigfillset(&signals)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        var events = [epoll_event](repeating: epoll_event(), count: Self.eventBatch)
        var nextTick = Self.now() + Self.tickMilliseconds * 1_000_000
        while true {
            let count = epoll_wait(epoll, &events, Int32(Self.eventBatch), timeout(until: nextTick))
            // An interrupted wait, the only failure left, looks like one without events.
            for event in events.prefix(max(0, Int(count))) { dispatch(event) }
            let now = Self.now()
            runTimers(dueAt: now)
            if now >= nextTick {
                nextTick = now + Self.tickMilliseconds * 1_000_000
                let connections = state.withLock { Array($0.connections.values) }
                for connection in connections { connection.checkDeadline(now: now) }
            }
        }
    }

    private func dispatch(_ event: epoll_event) {
        let token = event.data.u64
        guard token != Self.wakeToken else {
            var count: UInt64 = 0
            _ = read(wakeUp, &count, MemoryLayout<UInt64>.size)
            return
        }
        // A connection removed earlier in this batch is no longer found: tokens never come twice.
        state.withLock { $0.connections[token] }?.socketIsReady()
    }

    /// Milliseconds until the next timer or tick; without connections or timers, for ever.
    private func timeout(until nextTick: UInt64) -> Int32 {
        let next: UInt64? = state.withLock { state in
            let tick = state.connections.isEmpty ? nil : nextTick
            return [tick, state.timers.last?.deadline].compactMap(\.self).min()
        }
        guard let next else { return -1 }
        let now = Self.now()
        return next <= now ? 0 : Int32(clamping: (next - now) / 1_000_000 + 1)
    }

    private func runTimers(dueAt now: UInt64) {
        while let action = state.withLock({ state -> (@Sendable () -> Void)? in
            guard let last = state.timers.last, last.deadline <= now else { return nil }
            return state.timers.popLast()?.action
        }) {
            action()
        }
    }
}
