// SPDX-License-Identifier: Apache-2.0

public import AWSSigning
import Synchronization

/// Credentials that are fetched once, kept, and fetched again before they end.
///
/// One fetch is under way at most; everybody who asks meanwhile waits for it. While a fetch ahead
/// of the end fails, the old credentials serve as long as they last.
public final class CredentialsCache: Sendable {
    /// Where credentials come from: a chain, or a catalog that lends them.
    public typealias Source = @Sendable () async throws(CredentialsError) -> AWSCredentials

    /// How long before their end credentials are fetched again.
    public static let refreshAhead = Duration.seconds(300)
    /// How long before their end they are not used any more: a call takes its time.
    public static let reserve = Duration.seconds(15)
    /// How long after a fetch the next one ahead of the end is tried.
    public static let pause = Duration.seconds(30)
    /// How long a failed fetch stands for all who ask: finding out takes seconds where no source
    /// answers, and every call of every table would wait for it.
    public static let failureLasts = Duration.seconds(5)

    private typealias Outcome = Result<AWSCredentials, CredentialsError>
    private typealias Fetch = Task<Outcome, Never>

    private struct State {
        var current: AWSCredentials?
        var fetch: Fetch?
        /// No fetch ahead of the end before this time.
        var notBeforeMilliseconds = Int64.min
        /// Why there are none, and until when nobody is asked again.
        var refusal: (error: CredentialsError, untilMilliseconds: Int64)?
    }

    private let source: Source
    private let now: @Sendable () -> Int64
    private let state = Mutex(State())

    /// Fetches from a source when first asked.
    public convenience init(_ source: @escaping Source) {
        self.init(source, now: systemMilliseconds)
    }

    /// Credentials that stay as they are.
    public convenience init(_ credentials: AWSCredentials) {
        self.init { () throws(CredentialsError) in credentials }
    }

    /// Credentials that are at hand, and where the next ones come from.
    public convenience init(
        first: AWSCredentials, then source: @escaping Source
    ) {
        self.init(source, now: systemMilliseconds)
        state.withLock { $0.current = first }
    }

    /// With a clock, in milliseconds since the epoch.
    package init(_ source: @escaping Source, now: @escaping @Sendable () -> Int64) {
        self.source = source
        self.now = now
    }

    /// Credentials that last for a while yet.
    public func credentials() async throws(CredentialsError) -> AWSCredentials {
        let now = now()
        switch state.withLock({ step(&$0, at: now) }) {
        case .use(let current): return current
        case .refuse(let error): throw error
        case .fetch(let task, let old):
            switch await task.value {
            case .success(let fresh): return fresh
            case .failure(let error):
                guard let old else { throw error }
                return old
            }
        }
    }

    private enum Step {
        case use(AWSCredentials)
        case refuse(CredentialsError)
        /// The old ones serve if the fetch fails.
        case fetch(Fetch, old: AWSCredentials?)
    }

    private func step(_ state: inout State, at now: Int64) -> Step {
        let left = state.current?.millisecondsLeft(at: now) ?? 0
        guard let current = state.current, left > Self.reserve.milliseconds else {
            if state.fetch == nil, let refusal = state.refusal, now < refusal.untilMilliseconds {
                return .refuse(refusal.error)
            }
            return .fetch(fetch(&state), old: nil)
        }
        if left > Self.refreshAhead.milliseconds { return .use(current) }
        if state.fetch == nil, now < state.notBeforeMilliseconds { return .use(current) }
        return .fetch(fetch(&state), old: current)
    }

    /// Gives up credentials that the server called expired, unless others came meanwhile.
    func drop(_ expired: AWSCredentials) {
        state.withLock { if $0.current == expired { $0.current = nil } }
    }

    private func fetch(_ state: inout State) -> Fetch {
        if let fetch = state.fetch { return fetch }
        // Unstructured: it belongs to all who wait for its value, not to the first of them.
        let task = Task { await run() }
        state.fetch = task
        return task
    }

    private func run() async -> Outcome {
        let outcome: Outcome
        do throws(CredentialsError) { outcome = .success(try await source()) } catch {
            outcome = .failure(error)
        }
        let now = now()
        return state.withLock { state in
            state.fetch = nil
            state.refusal = nil
            switch outcome {
            case .success(let fresh):
                guard fresh.millisecondsLeft(at: now) > 0 else {
                    return .failure(.unusable(reason: "those that were fetched have ended already"))
                }
                state.current = fresh
            case .failure(let error):
                state.refusal = (error, now + Self.failureLasts.milliseconds)
            }
            // After a success too: some last no longer than the time ahead.
            state.notBeforeMilliseconds = now + Self.pause.milliseconds
            return outcome
        }
    }
}

extension AWSCredentials {
    fileprivate func millisecondsLeft(at now: Int64) -> Int64 {
        guard let expiresAtMilliseconds else { return .max }
        let (left, overflow) = expiresAtMilliseconds.subtractingReportingOverflow(now)
        return overflow ? .max : left
    }
}
