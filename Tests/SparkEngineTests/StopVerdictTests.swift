// SPDX-License-Identifier: Apache-2.0

import Maintenance
import SparkEngine
import TestSupport
import Testing

/// When a statement counts as stopped, by how much can be seen.
@Suite struct StopVerdictTests {
    private typealias Verdict = StopVerdict<ManualClock.Instant>
    private typealias Sight = StopVerdict<ManualClock.Instant>.Sight
    private typealias Certainty = StopVerdict<ManualClock.Instant>.Certainty

    private static let settle = Duration.seconds(3)
    private static let silence = Duration.seconds(80)

    /// Looks at these seconds, at a table of these names; what followed from each look.
    private func verdicts(
        _ looks: [(second: Int, sight: Sight, table: String?)]
    ) -> [Verdict.Verdict] {
        var verdict = Verdict(settle: Self.settle)
        return looks.map { look in
            verdict.next(
                after: look.sight, table: look.table, silence: Self.silence,
                at: ManualClock().now.advanced(by: .seconds(look.second)))
        }
    }

    @Test(arguments: [
        StopVerdict<ManualClock.Instant>.Certainty.gone, .idle,
    ])
    func `stopped is quiet for a while with the table at rest`(
        certainty: StopVerdict<ManualClock.Instant>.Certainty
    ) {
        #expect(
            verdicts([
                (0, .quiet(certainty), "v1"), (2, .quiet(certainty), "v1"),
                (3, .quiet(certainty), "v1"),
            ]) == [.lookAgain, .lookAgain, .stopped])
    }

    @Test func `where nobody sees the driver it is quiet for longer than a commit waits`() {
        #expect(
            verdicts([
                (0, .quiet(.silent), "v1"), (3, .quiet(.silent), "v1"),
                (79, .quiet(.silent), "v1"), (80, .quiet(.silent), "v1"),
            ]) == [.lookAgain, .lookAgain, .lookAgain, .stopped])
        // Threads that were not seen for a moment are no threads that are idle.
        #expect(
            verdicts([
                (0, .quiet(.silent), "v1"), (10, .quiet(.idle), "v1"),
                (12, .quiet(.idle), "v1"), (13, .quiet(.idle), "v1"),
            ]) == [.lookAgain, .lookAgain, .lookAgain, .stopped])
    }

    @Test(arguments: [
        StopVerdict<ManualClock.Instant>.Sight.running, .hidden(reason: "no answer"),
    ])
    func `whatever is not quiet begins the wait anew`(
        sight: StopVerdict<ManualClock.Instant>.Sight
    ) {
        #expect(
            verdicts([
                (0, .quiet(.idle), "v1"), (3, sight, "v1"), (4, .quiet(.idle), "v1"),
                (6, .quiet(.idle), "v1"), (7, .quiet(.idle), "v1"),
            ]) == [.lookAgain, .lookAgain, .lookAgain, .lookAgain, .stopped])
    }

    @Test func `a commit begins the wait anew`() {
        #expect(
            verdicts([
                (0, .quiet(.idle), "v1"), (3, .quiet(.idle), "v2"), (5, .quiet(.idle), "v2"),
                (6, .quiet(.idle), "v2"),
            ]) == [.lookAgain, .lookAgain, .lookAgain, .stopped])
    }

    @Test(arguments: [
        StopVerdict<ManualClock.Instant>.Certainty.idle, .silent,
    ])
    func `a table that cannot be read says nothing of a driver that may live`(
        certainty: StopVerdict<ManualClock.Instant>.Certainty
    ) {
        #expect(
            verdicts([0, 3, 80, 200].map { ($0, .quiet(certainty), nil) })
                == Array(repeating: .lookAgain, count: 4))
        guard case .hidden(let reason) = Sight.quiet(certainty).with(table: nil) else {
            Issue.record("it is not hidden")
            return
        }
        #expect(reason.contains("could not be read"))
        #expect(Sight.quiet(certainty).with(table: "v1") == .quiet(certainty))
    }

    @Test func `an application that is gone commits nothing, whether the table can be read or not`()
    {
        #expect(
            verdicts([
                (0, .quiet(.gone), nil), (2, .quiet(.gone), "v1"), (3, .quiet(.gone), nil),
            ]) == [.lookAgain, .lookAgain, .stopped])
    }

    @Test(arguments: [
        (nil, 81_000), ("60000", 81_000), ("1000", 16_100), ("0", 81_000), ("-5", 81_000),
        ("soon", 81_000), ("600000", 675_000),
    ])
    func `the silence is longer than the table's commits wait`(value: String?, expected: Int) {
        #expect(CommitWait.silence(value) == .milliseconds(expected))
    }

    // MARK: Threads

    private static let sleeping = "java.base@17.0.15/java.lang.Thread.sleep(Native Method)"
    private static let loop =
        "org.apache.iceberg.actions.BaseCommitService.lambda$start$0(BaseCommitService.java:117)"
    private static let rewriting =
        "org.apache.iceberg.spark.actions.SparkBinPackFileRewriteRunner.doRewrite(X.java:1)"
    private static let committing =
        "org.apache.iceberg.actions.RewriteDataFilesCommitManager.commitFileGroups(X.java:1)"
    private static let calling =
        "org.apache.iceberg.spark.procedures.RewriteDataFilesProcedure.call(X.java:1)"
    private static let spark = "app//org.apache.spark.scheduler.DAGScheduler.runJob(D.scala:1)"

    private func work(
        _ frames: [[String]], hasEnded: Bool = true, foreignGroups: Int = 0
    ) -> [String] {
        DriverWork(
            threads: frames.enumerated().map { SparkThread(name: "t\($0)", frames: $1) },
            hasEnded: hasEnded, foreignGroups: foreignGroups
        ).threads
    }

    @Test func `a commit that waits for its next try is work, and so is any other`() {
        let waiting = [
            Self.sleeping, "org.apache.iceberg.util.Tasks$Builder.runTaskWithRetry(T.java:1)",
            "org.apache.iceberg.SnapshotProducer.commit(S.java:1)", Self.committing, Self.loop,
        ]
        #expect(work([waiting]) == ["t0"])
        #expect(work([[Self.committing]], foreignGroups: 5) == ["t0"])
        let next =
            "org.apache.iceberg.actions.BaseCommitService.commitReadyCommitGroups(B.java:218)"
        #expect(work([["java.lang.Object.wait(Native Method)", next, Self.loop]]) == ["t0"])
    }

    @Test func `threads of the server, of tasks and of a committer without work are none`() {
        let idle = [
            [Self.sleeping, Self.loop], [Self.loop],
            ["java.util.concurrent.ConcurrentLinkedQueue.isEmpty(C.java:1)", Self.loop],
            ["java.lang.Object.wait(Native Method)"], [],
            ["org.apache.iceberg.parquet.ValuesAsBytesReader.getBuffer(V.java:1)", Self.spark],
        ]
        #expect(work(idle).isEmpty)
    }

    @Test func `the statement's own thread counts until Spark says that it has ended`() {
        let thread = [Self.sleeping, Self.rewriting, Self.calling]
        #expect(work([thread], hasEnded: false) == ["t0"])
        #expect(work([thread], hasEnded: true).isEmpty)
    }

    @Test func `a thread that waits for jobs is somebody else's only if they have such jobs`() {
        let waiting = [Self.sleeping, Self.spark, Self.rewriting]
        #expect(work([waiting], foreignGroups: 1).isEmpty)
        #expect(work([waiting, waiting], foreignGroups: 2).isEmpty)
        #expect(work([waiting, waiting], foreignGroups: 1) == ["t0", "t1"])
        #expect(work([waiting]) == ["t0"])
    }
}
