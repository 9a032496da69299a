// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import ObjectStorage
import TestSupport
import Testing

@testable import IcebergTable

@Suite struct CommitRetryPolicyTests {
    @Test(arguments: UInt64(0)..<50)
    func `pauses grow from the minimum to the maximum and differ`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let policy = CommitRetryPolicy(
            retries: 30, minimumWait: .milliseconds(100), maximumWait: .seconds(2),
            totalTimeout: .seconds(60))

        let waits = (1...30).compactMap {
            policy.wait(before: $0, elapsed: .zero, using: &random)
        }

        #expect(waits.count == 30)
        #expect(waits.allSatisfy { $0 >= .milliseconds(100) && $0 <= .seconds(2) })
        #expect(waits[0] <= .milliseconds(200) && waits[1] <= .milliseconds(400))
        #expect(Set(waits).count > 20, "writers that met once must not meet again")
    }

    @Test func `retries and time end at their edges`() {
        var random = SeededGenerator(seed: 0)
        let policy = CommitRetryPolicy(
            retries: 2, minimumWait: .zero, maximumWait: .zero, totalTimeout: .seconds(1))

        #expect(policy.wait(before: 2, elapsed: .zero, using: &random) == .zero)
        #expect(policy.wait(before: 3, elapsed: .zero, using: &random) == nil)
        #expect(policy.wait(before: 1, elapsed: .milliseconds(999), using: &random) == .zero)
        #expect(policy.wait(before: 1, elapsed: .seconds(1), using: &random) == nil)
    }

    @Test func `absurd settings are brought within bounds`() {
        let policy = CommitRetryPolicy(
            retries: .max, minimumWait: .seconds(5), maximumWait: .seconds(-1),
            totalTimeout: .seconds(-1))

        #expect(policy.retries == CommitRetryPolicy.maximumRetries)
        #expect(policy.maximumWait == .seconds(5) && policy.totalTimeout == .zero)
        #expect(
            CommitRetryPolicy(
                retries: -1, minimumWait: .seconds(-5), maximumWait: .zero, totalTimeout: .zero
            )
                == CommitRetryPolicy(
                    retries: 0, minimumWait: .zero, maximumWait: .zero, totalTimeout: .zero))
    }

    @Test func `a table's settings replace the defaults one by one`() throws {
        let properties = TableProperties([
            "commit.retry.num-retries": "9", "commit.retry.max-wait-ms": "500",
            "commit.status-check.min-wait-ms": "3",
        ])

        let commit = try CommitRetryPolicy.commit(of: properties)
        let check = try CommitRetryPolicy.statusCheck(of: properties)

        #expect(commit.retries == 9 && commit.maximumWait == .milliseconds(500))
        #expect(commit.minimumWait == .milliseconds(100))
        #expect(commit.totalTimeout == .seconds(1800))
        #expect(check.retries == 3 && check.minimumWait == .milliseconds(3))
        #expect(try CommitRetryPolicy.commit(of: TableProperties()) == .commitDefault)
        #expect(try CommitRetryPolicy.statusCheck(of: TableProperties()) == .statusCheckDefault)
    }
}
