// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
import Synchronization
import TestSupport
import Testing
import WireFormat

/// Four workers and what happens to them.
struct Storm {
    let fixture: ProductFixture
    var random: SeededGenerator
    private var workers: [RunningProcess] = []
    /// Those who sleep, and until when.
    let sleepers = Sleepers()
    private var started = 0

    init(fixture: ProductFixture, seed: UInt64) {
        self.fixture = fixture
        random = SeededGenerator(seed: seed)
    }

    /// Starts the workers.
    mutating func begin() async throws {
        for _ in 0..<4 { workers.append(try await start()) }
    }

    private mutating func start() async throws -> RunningProcess {
        started += 1
        return try await fixture.product.start("worker", name: "worker-\(started)")
    }

    /// After a job was accepted, something may happen.
    mutating func step(api url: String, newest job: JSONValue) async throws {
        sleepers.wakeDue()
        switch Int.random(in: 0..<12, using: &random) {
        case 0: try await replace(with: SIGKILL)
        case 1: try await replace(with: SIGTERM)
        case 2: pause()
        case 3, 4:
            let id = job.objectValue?["job_id"]?.stringValue ?? ""
            let (status, _) = try await ProductFixture.send("POST", "\(url)/jobs/\(id)/cancel")
            #expect(status == 200 || status == 409)
        default: break
        }
    }

    private mutating func replace(with signal: Int32) async throws {
        let index = Int.random(in: 0..<workers.count, using: &random)
        let worker = workers[index]
        worker.send(signal)
        // A paused process does not see SIGTERM before it is woken.
        sleepers.wake(worker)
        let status = try await worker.wait()
        if signal == SIGTERM {
            // A process that has not got as far as catching signals ends by the signal itself.
            let isEarly = status == .signaled(SIGTERM) && worker.log.isEmpty
            #expect(
                status == .exited(0) || status == .exited(1) || isEarly,
                "SIGTERM ended with \(status)")
        }
        workers[index] = try await start()
    }

    /// Stops a worker for longer than its lease of three seconds.
    private mutating func pause() {
        sleepers.pause(workers[Int.random(in: 0..<workers.count, using: &random)])
    }

    /// Ends the workers; idle ones exit with 0.
    mutating func stopAll() async throws {
        for worker in workers { worker.send(SIGTERM) }
        for worker in workers { #expect(try await worker.wait() == .exited(0)) }
        workers = []
    }
}

/// Workers that are stopped past their lease.
final class Sleepers: Sendable {
    private struct Sleeper {
        let worker: RunningProcess
        let until: ContinuousClock.Instant
    }

    private let sleeping = Mutex<[Sleeper]>([])

    /// Stops a worker, unless it or two others sleep already.
    func pause(_ worker: RunningProcess) {
        sleeping.withLock { sleeping in
            guard sleeping.count < 2, !sleeping.contains(where: { $0.worker === worker }) else {
                return
            }
            worker.send(SIGSTOP)
            let until = ContinuousClock.now.advanced(by: .milliseconds(4500))
            sleeping.append(Sleeper(worker: worker, until: until))
        }
    }

    /// Wakes those whose time has come.
    ///
    /// To be called while waiting for anything: a sleeper may hold a lock of the catalog's
    /// database.
    func wakeDue() { wake { $0.until <= .now } }

    /// Wakes one.
    func wake(_ worker: RunningProcess) { wake { $0.worker === worker } }

    /// Wakes everybody.
    func wakeAll() { wake { _ in true } }

    private func wake(_ isMeant: (Sleeper) -> Bool) {
        sleeping.withLock { sleeping in
            for sleeper in sleeping where isMeant(sleeper) { sleeper.worker.send(SIGCONT) }
            sleeping.removeAll(where: isMeant)
        }
    }
}
