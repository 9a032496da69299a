// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Jobs

@Suite struct WorkerConfigurationTests {
    @Test func `the defaults are the documented ones`() throws {
        let configuration = try WorkerConfiguration()

        #expect(configuration.lease == .seconds(1800))
        #expect(configuration.heartbeat == .seconds(60))
        #expect(configuration.retry == SweepPolicy(maxAttempts: 3, retryDelay: .seconds(30)))
    }

    @Test(arguments: [
        (1800, 60_000), (301, 60_000), (300, 60_000), (295, 59_000), (100, 20_000), (6, 1200),
    ])
    func `a lease that cannot be renewed is given up in time for an engine to stop`(
        lease: Int, margin: Int
    ) throws {
        let configuration = try WorkerConfiguration(lease: .seconds(lease), heartbeat: .seconds(1))

        #expect(configuration.abandonMargin == .milliseconds(margin))
        #expect(configuration.abandonMargin <= WorkerConfiguration.engineStopLimit)
    }

    @Test func `a heartbeat must be under a third of the lease`() throws {
        _ = try WorkerConfiguration(lease: .seconds(91), heartbeat: .seconds(30))
        #expect(
            throws: InvalidWorkerConfiguration.heartbeatTooLong(
                heartbeat: .seconds(30), lease: .seconds(90))
        ) { try WorkerConfiguration(lease: .seconds(90), heartbeat: .seconds(30)) }
        #expect(throws: InvalidWorkerConfiguration.self) {
            try WorkerConfiguration(lease: .seconds(90), heartbeat: .zero)
        }
    }

    @Test func `a job needs an attempt and a worker needs a pause`() throws {
        _ = try WorkerConfiguration(maxAttempts: 1, retryDelay: .zero)
        #expect(throws: InvalidWorkerConfiguration.noAttempts(0)) {
            try WorkerConfiguration(maxAttempts: 0)
        }
        #expect(throws: InvalidWorkerConfiguration.negativeDuration) {
            try WorkerConfiguration(pollInterval: .zero)
        }
        #expect(throws: InvalidWorkerConfiguration.negativeDuration) {
            try WorkerConfiguration(retryDelay: .seconds(-1))
        }
    }

    @Test func `an error says what to change`() {
        let error = InvalidWorkerConfiguration.heartbeatTooLong(
            heartbeat: .seconds(30), lease: .seconds(90))

        #expect("\(error)".contains("under a third of the lease"))
    }
}
