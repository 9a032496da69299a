// SPDX-License-Identifier: Apache-2.0

internal import CPQ
internal import Synchronization

/// What the reactor's thread does with a connection.
extension PostgresConnection {
    /// What is to be done once the lock is free, so that no foreign code runs under it.
    private struct Aftermath {
        var finished: (continuation: Operation.Continuation, outcome: Operation.Outcome)?
        var notifications: [(channel: String, payload: String)] = []
        var brokenReason: String?
        var observers = Observers()

        func perform() {
            for notification in notifications {
                observers.notification(notification.channel, notification.payload)
            }
            // The owner first: it must not hand the connection on to whoever is resumed.
            if let brokenReason { observers.broken(brokenReason) }
            if let finished { finished.continuation.resume(returning: finished.outcome) }
        }
    }

    /// The socket has bytes for us, or takes some, or is at its end.
    func socketIsReady() {
        let aftermath = state.withLock { state -> Aftermath in
            var aftermath = Aftermath()
            guard let raw = state.raw else { return aftermath }
            let isReadable = PQconsumeInput(raw) == 1
            if state.isWaitingToWrite { flush(raw, in: &state) }
            drain(raw, in: &state, into: &aftermath)
            collectNotifications(raw, into: &aftermath)
            if !isReadable || PQstatus(raw) != CONNECTION_OK {
                sever(&state, reason: BlockingCalls.lastMessage(of: raw), into: &aftermath)
            }
            aftermath.observers = state.observers
            return aftermath
        }
        aftermath.perform()
    }

    /// Gives the server up if it owes a reply for too long.
    func checkDeadline(now: UInt64) {
        let aftermath = state.withLock { state -> Aftermath in
            var aftermath = Aftermath()
            guard let operation = state.operation, operation.deadline <= now else {
                return aftermath
            }
            sever(&state, reason: "the server did not reply in time", into: &aftermath)
            aftermath.observers = state.observers
            return aftermath
        }
        aftermath.perform()
    }

    /// Asks the server to stop an exchange; if it has not been sent yet, it will not be.
    func cancel(_ id: UInt64) {
        let handle = state.withLock { state -> CancelHandle? in
            guard let raw = state.raw, let operation = state.operation, operation.id == id else {
                state.cancelledInAdvance = id
                return nil
            }
            let patience = UInt64(clamping: max(0, configuration.replyGrace.milliseconds))
            let deadline = Reactor.now() &+ patience &* 1_000_000
            state.operation?.isCancelled = true
            state.operation?.deadline = min(operation.deadline, deadline)
            state.isRetired = true
            return CancelHandle(connection: raw)
        }
        if let handle { BlockingCalls.cancel(handle) {} }
    }

    /// Sends what libpq still holds, as far as the socket takes it.
    func flush(_ raw: OpaquePointer, in state: inout State) {
        let outcome = PQflush(raw)
        guard outcome >= 0 else { return severLater(&state) }
        let mustWait = outcome == 1
        guard mustWait != state.isWaitingToWrite else { return }
        state.isWaitingToWrite = mustWait
        reactor.setWantsWrite(mustWait, token: state.token, socket: PQsocket(raw))
    }

    /// Makes the next tick give the exchange up.
    func severLater(_ state: inout State) { state.operation?.deadline = 0 }

    /// Ends the session without a word to anybody.
    func shutDown(_ state: inout State) {
        guard let raw = state.raw else { return }
        state.raw = nil
        reactor.remove(token: state.token, socket: PQsocket(raw))
        PQfinish(raw)
    }

    private func sever(_ state: inout State, reason: String, into aftermath: inout Aftermath) {
        shutDown(&state)
        aftermath.brokenReason = reason
        if let operation = state.operation.take() {
            aftermath.finished = (operation.continuation, operation.lost(reason))
        }
    }

    /// Takes every result that has arrived in full.
    private func drain(
        _ raw: OpaquePointer, in state: inout State, into aftermath: inout Aftermath
    ) {
        var emptyAnswers = 0
        while let end = state.operation?.end, PQisBusy(raw) == 0 {
            guard let result = PQgetResult(raw) else {
                switch end {
                case .lastResult:
                    _ = PQenterPipelineMode(raw)
                    finish(in: &state, into: &aftermath)
                case .synchronisation:
                    state.operation?.commandEnded()
                    emptyAnswers += 1
                    // Libpq has nothing more to say and has not said the end: not our protocol.
                    if emptyAnswers > 1 { return severLater(&state) }
                }
                continue
            }
            emptyAnswers = 0
            take(result, in: &state, into: &aftermath)
        }
    }

    private func take(
        _ result: OpaquePointer, in state: inout State, into aftermath: inout Aftermath
    ) {
        switch PQresultStatus(result) {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
            let storage = ResultStorage(result)
            state.operation?.succeeded(PostgresResult(storage))
        case PGRES_PIPELINE_SYNC:
            PQclear(result)
            finish(in: &state, into: &aftermath)
        case PGRES_PIPELINE_ABORTED:
            PQclear(result)
            forgetPreparation(in: &state)
        case PGRES_FATAL_ERROR:
            fail(with: result, in: &state)
            PQclear(result)
        default:
            // COPY and single-row results, which this client never asks for.
            PQclear(result)
            severLater(&state)
        }
    }

    private func fail(with result: OpaquePointer, in state: inout State) {
        func field(_ code: Character) -> String? {
            guard let ascii = code.asciiValue, let text = PQresultErrorField(result, Int32(ascii))
            else { return nil }
            return String(cString: text)
        }
        // Libpq's own errors, such as a lost connection, have no code and no severity.
        let sqlState = field("C")
        let error = PostgresServerError(
            sqlState: sqlState ?? "08006", message: field("M") ?? "connection lost",
            constraint: field("n"))
        if case .execute(let sql) = state.operation?.command, error.isTransient {
            state.statements.forget(sql)
        }
        forgetPreparation(in: &state)
        state.operation?.failed(error, isFatal: sqlState == nil || field("V") != "ERROR")
    }

    private func forgetPreparation(in state: inout State) {
        if case .prepare(let sql) = state.operation?.command { state.statements.forget(sql) }
    }

    private func finish(in state: inout State, into aftermath: inout Aftermath) {
        guard let operation = state.operation.take() else { return }
        aftermath.finished = (operation.continuation, operation.outcome())
    }

    private func collectNotifications(_ raw: OpaquePointer, into aftermath: inout Aftermath) {
        while let notification = PQnotifies(raw) {
            aftermath.notifications.append(
                (
                    String(cString: notification.pointee.relname),
                    String(cString: notification.pointee.extra)
                ))
            PQfreemem(notification)
        }
    }
}
