// SPDX-License-Identifier: Apache-2.0

/// What a connection is doing: some commands sent together, and whoever waits for their results.
///
/// Pure bookkeeping of one exchange: the connection feeds it what libpq returns.
struct Operation {
    /// What one command in the exchange was sent for.
    enum Command {
        /// Prepares this SQL.
        case prepare(String)
        /// Drops a prepared statement that fell out of the cache.
        case deallocate
        /// Runs a statement; its result is wanted.
        case execute(String)
    }

    /// How the exchange ends.
    enum End {
        /// Extended protocol in a pipeline: ends at the synchronisation point.
        case synchronisation
        /// Simple protocol: ends when there are no more results.
        case lastResult
    }

    typealias Outcome = Result<[PostgresResult], PostgresError>
    typealias Continuation = UnsafeContinuation<Outcome, Never>

    let id: UInt64
    let continuation: Continuation
    let end: End
    /// Whether a lost reply may hide a commit.
    let effect: PostgresStatement.Effect
    /// When the server counts as dead.
    var deadline: UInt64
    var isCancelled = false

    private var commands: [Command]
    private var current = 0
    private var results: [PostgresResult] = []
    private var failure: PostgresServerError?
    private(set) var isSevered = false

    init(
        id: UInt64, commands: [Command], end: End, effect: PostgresStatement.Effect,
        deadline: UInt64, continuation: Continuation
    ) {
        self.id = id
        self.commands = commands
        self.end = end
        self.effect = effect
        self.deadline = deadline
        self.continuation = continuation
    }

    /// The command whose results are arriving; nil in a script, or past the last.
    var command: Command? { commands.indices.contains(current) ? commands[current] : nil }

    /// A command did what it should.
    mutating func succeeded(_ result: @autoclosure () -> PostgresResult) {
        switch command {
        case .execute: results.append(result())
        case .prepare, .deallocate, nil: break
        }
    }

    /// The server refused a command; the first refusal is the cause of the others.
    ///
    /// - Parameter isFatal: the server ends the session, so it may have done more than it says.
    mutating func failed(_ error: PostgresServerError, isFatal: Bool) {
        if failure == nil { failure = error }
        if isFatal { isSevered = true }
    }

    /// The results of one command are complete.
    mutating func commandEnded() { current += 1 }

    /// The outcome once the exchange has ended as it should.
    func outcome() -> Outcome {
        guard let failure else { return .success(results) }
        if isSevered { return lost(failure.description) }
        if isCancelled, failure.sqlState == SQLState.queryCanceled { return .failure(.cancelled) }
        return .failure(.server(failure))
    }

    /// The outcome when the connection breaks first.
    func lost(_ reason: String) -> Outcome {
        switch effect {
        case .reads: .failure(isCancelled ? .cancelled : .unavailable(reason: reason))
        case .writes: .failure(.outcomeUnknown(reason: reason))
        }
    }
}
