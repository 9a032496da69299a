// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing
import WireFormat

/// Four workers and what happens to them.
struct Storm {
    let fixture: ProductFixture
    var random: SeededGenerator
    private var workers: [RunningProcess] = []
    private var paused: [(worker: RunningProcess, until: ContinuousClock.Instant)] = []
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
        try await tick()
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

    /// Wakes those who have slept past their lease.
    mutating func tick() async throws {
        let now = ContinuousClock.now
        for (worker, until) in paused where until <= now { worker.send(SIGCONT) }
        paused.removeAll { $0.until <= now }
    }

    private mutating func replace(with signal: Int32) async throws {
        let index = Int.random(in: 0..<workers.count, using: &random)
        let worker = workers[index]
        // A paused process does not see SIGTERM before it is woken.
        paused.removeAll { $0.worker === worker }
        worker.send(signal)
        worker.send(SIGCONT)
        let status = try await worker.wait()
        if signal == SIGTERM {
            #expect(status == .exited(0) || status == .exited(1), "SIGTERM ended with \(status)")
        }
        workers[index] = try await start()
    }

    /// Stops a worker for longer than its lease of three seconds.
    private mutating func pause() {
        guard paused.count < 2 else { return }
        let worker = workers[Int.random(in: 0..<workers.count, using: &random)]
        guard !paused.contains(where: { $0.worker === worker }) else { return }
        worker.send(SIGSTOP)
        paused.append((worker, ContinuousClock.now.advanced(by: .milliseconds(4500))))
    }

    /// Wakes everybody.
    mutating func end() async throws {
        for (worker, _) in paused { worker.send(SIGCONT) }
        paused = []
    }

    /// Ends the workers; idle ones exit with 0.
    mutating func stopAll() async throws {
        for worker in workers { worker.send(SIGTERM) }
        for worker in workers { #expect(try await worker.wait() == .exited(0)) }
        workers = []
    }
}
