// SPDX-License-Identifier: Apache-2.0

import Foundation
import IcepackAPI
import IcepackRuntime
import Jobs
import Maintenance
import ServiceLifecycle
import Synchronization
import WireFormat

/// One run of `icepack maintain`.
struct MaintenanceRun {
    let table: TableName
    let actions: [MaintenanceAction]
    let options: [MaintenanceAction: ActionOptions]

    /// What each action would do; nothing is changed.
    func plan(with bridge: EngineBridge) async -> [ActionResult] {
        var results: [ActionResult] = []
        for action in actions {
            do throws(MaintenanceError) {
                let plan = try await bridge.plan(table, action, options[action] ?? .none)
                results.append(
                    ActionResult(
                        action: action.rawValue, isSuccess: true, message: "dry run",
                        elapsedSeconds: 0, engine: nil, plan: plan.json))
            } catch {
                results.append(Self.failure(of: action, "\(error)"))
                break
            }
        }
        return results
    }

    /// Runs the actions as a job of its own: locked, fenced, recorded, cancellable.
    func asJob<Store: JobStore>(
        in store: Store, startup: Startup, bridge: EngineBridge
    ) async throws -> [ActionResult] {
        let worker = Worker(
            store: store, id: WorkerID("maintain:\(ProcessInfo.processInfo.processIdentifier):1"),
            // One attempt: what this command reports as failed must not run later by itself.
            configuration: try startup.configuration.jobs.workerConfiguration(maxAttempts: 1),
            clock: ContinuousClock(), logger: startup.logger, engine: bridge.actionEngine)
        // Where no service runs, this is who finds the job of a run that was killed.
        let jobs = startup.configuration.jobs
        let sweeper = Sweeper(
            store: store, policy: jobs.sweepPolicy, interval: jobs.sweep, clock: ContinuousClock(),
            isDraining: { jobs.isDraining }, inspect: bridge.holdInspector, logger: startup.logger)
        _ = try await sweeper.sweep()
        _ = try await sweeper.inspectHolds()
        let sent = ContinuousClock.now
        let claimed = try await claim(in: store, startup: startup)
        _ = try await startup.once(within: .seconds(5)) {
            await withGracefulShutdownHandler {
                await worker.run(claimed, claimSentAt: sent)
            } onGracefulShutdown: {
                worker.terminate()
            }
        }
        guard let job = try await store.job(claimed.job.id, visibility: .includingDeleted) else {
            throw JobStoreError.corrupt(reason: "the job \(claimed.job.id) is gone")
        }
        if job.results.isEmpty || job.results.allSatisfy(\.isSuccess), let error = job.error {
            return job.results + [Self.failure(of: actions.last ?? .expireSnapshots, error)]
        }
        return job.results
    }

    private func claim<Store: JobStore>(
        in store: Store, startup: Startup
    ) async throws -> ClaimedJob {
        let jobs = startup.configuration.jobs
        var byAction = JSONObject()
        for action in actions {
            if let values = options[action]?.values, !values.isEmpty {
                byAction[action.rawValue] = .object(values)
            }
        }
        let submission = JobSubmission(
            jobID: .random(), table: table, actions: actions.map(\.rawValue), isDryRun: false,
            options: byAction.isEmpty ? .null : .object(byAction), idempotency: nil,
            actor: "cli:maintain", lockLease: jobs.lease)
        let attempt = AttemptID.random()
        let outcome = try await store.submitClaimed(
            submission, by: WorkerID("maintain"), attempt: attempt, lease: jobs.lease)
        switch outcome {
        case .accepted(let job), .repeated(let job):
            return ClaimedJob(claim: Claim(jobID: job.id, attemptID: attempt), job: job)
        case .locked(let holder):
            let job = try await store.job(holder, visibility: .includingDeleted)
            Console.note("icepack: \(sentence(locked: holder, job))")
            throw ExitStatus.tryLater.exit
        case .idempotencyMismatch(let first):
            throw JobStoreError.corrupt(reason: "job \(first) has this submission's key")
        }
    }

    private func sentence(locked holder: JobID, _ job: Job?) -> String {
        switch job?.status {
        case .pending:
            "job \(holder) waits for a worker and has \(table): "
                + "let `icepack worker --once` run it, or cancel it"
        case .failed where job?.engineState != nil, .cancelled where job?.engineState != nil:
            "job \(holder) is over, but something of it may still run in Spark on \(table); "
                + "try again later: each `icepack sweep` asks Spark"
        case .running:
            "job \(holder) has \(table): try again when it is over, or cancel it; if its worker is "
                + "gone, the table is free once its lease has ended and `icepack sweep` has run"
        case nil, .completed, .failed, .cancelled:
            "\(table) is locked by job \(holder); try again when it is over"
        }
    }

    /// Runs the actions with nothing to guard the table and nothing to remember a crash by.
    func unguarded(with bridge: EngineBridge) async -> [ActionResult] {
        let display = Mutex(ProgressDisplay())
        defer { display.withLock { $0.finish() } }
        var results: [ActionResult] = []
        for action in actions {
            let began = ContinuousClock.now
            do throws(MaintenanceError) {
                let (choice, report) = try await bridge.runUnguarded(
                    table, action, options[action] ?? .none
                ) { progress in
                    guard Console.isInteractive else { return }
                    let line = "\(progress.phase): \(progress.done) \(progress.unit)"
                    display.withLock { $0.show(line: line) }
                }
                results.append(
                    ActionResult(
                        action: action.rawValue, isSuccess: true, message: report.message,
                        impact: report.impact,
                        elapsedSeconds: began.duration(to: .now) / .seconds(1),
                        metrics: report.metrics, engine: choice.engine,
                        engineReason: choice.reason))
            } catch {
                results.append(Self.failure(of: action, "\(error)"))
                break
            }
        }
        return results
    }

    private static func failure(of action: MaintenanceAction, _ error: String) -> ActionResult {
        ActionResult(
            action: action.rawValue, isSuccess: false, message: error, error: error,
            elapsedSeconds: 0)
    }
}
