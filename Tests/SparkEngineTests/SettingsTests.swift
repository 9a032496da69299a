// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import Maintenance
import Testing
import WireFormat

@testable import SparkEngine

/// What a session is opened with, and what each version of Iceberg takes.
@Suite struct SettingsTests {
    private func session(
        _ sharing: SparkSettings.Sharing, _ properties: [(String, String)] = [],
        configured: [String: String] = [:]
    ) -> SessionConfiguration {
        SessionConfiguration(
            SparkSettings(catalog: "lab", sharing: sharing, session: configured),
            attempt: TestTable.attempt,
            properties: TableProperties(properties.map { (key: $0.0, value: $0.1) }))
    }

    @Test func `a session of its own is named after the attempt and shared with nobody`() {
        let settings = session(.perJob).settings

        #expect(settings["kyuubi.engine.share.level"] == "CONNECTION")
        #expect(settings["kyuubi.session.name"] == "icepack-0a1b-2c3d")
        #expect(settings["spark.app.name"] == "icepack-0a1b-2c3d")
    }

    @Test func `a shared application keeps its name`() {
        #expect(
            session(.shared).settings == [
                "spark.sql.session.timeZone": "UTC",
                "spark.sql.parser.escapedStringLiterals": "false",
                "spark.sql.variable.substitute": "false",
            ])
    }

    @Test func `nobody changes how a statement is read`() {
        let settings = session(
            .perJob, configured: ["spark.sql.parser.escapedStringLiterals": "true"]
        ).settings

        #expect(settings["spark.sql.parser.escapedStringLiterals"] == "false")
    }

    @Test func `a table sizes its work and the operator has the last word`() {
        let session = session(
            .perJob,
            [
                ("icepack.spark.sql.shuffle.partitions", "8"),
                ("snowpack.spark.executor.memory", "4g"), ("icepack.spark.executor.cores", "2"),
            ], configured: ["spark.executor.cores": "4"])

        #expect(session.settings["spark.sql.shuffle.partitions"] == "8")
        #expect(session.settings["spark.executor.memory"] == "4g")
        #expect(session.settings["spark.executor.cores"] == "4")
        #expect(session.warnings.count == 1)
    }

    @Test(arguments: [
        "spark.jars", "spark.executor.extraJavaOptions", "spark.driver.extraClassPath",
        "spark.sql.catalog.lab.uri", "spark.hadoop.fs.s3a.access.key", "spark.sql.extensions",
        "spark.sql.session.timeZone", "spark.app.name", "spark.sql.files.ignoreCorruptFiles",
        "spark.executorEnv.X", "spark.yarn.queue", "spark.sql.adaptive.customCostEvaluatorClass",
    ])
    func `a table cannot make other settings`(name: String) {
        let session = session(.perJob, [("icepack.\(name)", "x")])

        #expect(session.settings[name] != "x")
        #expect(session.warnings.count == 1)
    }

    @Test func `values that are no plain values are refused`() {
        let name = "icepack.spark.sql.shuffle.partitions"
        for value in ["", "a\nb", "${env:SECRET}", "é", String(repeating: "1", count: 201)] {
            #expect(session(.perJob, [(name, value)]).warnings.count == 1, "\(value)")
        }
        #expect(session(.perJob, [(name, String(repeating: "1", count: 200))]).warnings.isEmpty)
    }

    @Test func `settings of an application that runs already are refused`() {
        let session = session(
            .shared,
            [("icepack.spark.executor.memory", "4g"), ("icepack.spark.sql.adaptive.enabled", "x")])

        #expect(session.settings["spark.executor.memory"] == nil)
        #expect(session.settings["spark.sql.adaptive.enabled"] == "x")
        #expect(session.warnings.count == 1)
    }

    @Test(arguments: [
        (Duration.seconds(7200), "2 hours"), (.seconds(3600), "1 hour"),
        (.seconds(90), "90 seconds"),
        (.seconds(120), "2 minutes"), (.seconds(1), "1 second"), (.zero, "0 seconds"),
        (.milliseconds(500), "0.5 seconds"),
    ])
    func `times are told in the words of people`(duration: Duration, text: String) {
        #expect(TimeWording.text(duration) == text)
    }

    // MARK: Capabilities

    @Test(arguments: [
        ("1.9", ["clean_expired_metadata", "prefix_listing", "max-files-to-rewrite", "branch"]),
        ("1.10.2", ["branch", "stream_results", "max-file-group-input-files"]),
        ("1.11", ["max-file-group-input-files"]),
    ])
    func `options that a version does not have are refused before Spark sees them`(
        version: String, names: [String]
    ) throws {
        let limits = SparkCapabilities(iceberg: try #require(IcebergVersion(version))).limits
        let refused = Set(limits.refusedOptions.values.flatMap(\.keys))

        for name in names { #expect(refused.contains(name)) }
        #expect(limits.refusedOptions[.expireSnapshots]?["stream_results"] == nil)
        #expect(
            (limits.refusedOptions[.expireSnapshots]?["clean_expired_metadata"] == nil)
                == (version != "1.9"))
    }

    @Test func `our own options are refused with a reason`() {
        let refused = SparkCapabilities().limits.refusedOptions

        for (action, names) in [
            (MaintenanceAction.removeOrphanFiles, ["mode", "inventory", "adopt_table_uuids"]),
            (.rewriteDataFiles, ["verify"]),
            (.rewritePositionDeleteFiles, ["verify", "convert-equality-deletes"]),
            (.rewriteManifests, ["verify", "sort_by"]),
        ] {
            for name in names { #expect(refused[action]?[name]?.contains(name) == true) }
        }
    }

    @Test func `where guards decide about orphans, Spark lists and takes their options`() throws {
        let guarded = SparkCapabilities(guardsOrphans: true)

        #expect(guarded.limits.dryRunOnly.isEmpty)
        #expect(guarded.limits.refusedOptions[.removeOrphanFiles]?["mode"] == nil)
        // It would replace the list that Spark makes.
        #expect(guarded.limits.refusedOptions[.removeOrphanFiles]?["inventory"] != nil)
        #expect(guarded.limits.refusedOptions[.rewriteDataFiles]?["verify"] != nil)
    }

    @Test func `orphan removal without guards only looks`() throws {
        let router = EngineRouter(engines: [SparkCapabilities().capability])

        #expect(throws: NoEngineForAction.self) { try router.choose(.removeOrphanFiles) }
        let dry = RoutedAction(
            .removeOrphanFiles,
            options: try ActionOptions.validating(["dry_run": true], for: .removeOrphanFiles))
        #expect(try router.choose(dry).engine == "spark")
        #expect(
            try router.choose(RoutedAction(.removeOrphanFiles, isDryRun: true)).engine == "spark")
        #expect(try router.choose(.rewriteDataFiles).engine == "spark")
    }

    @Test func `versions are read strictly and the oldest is 1_9`() {
        #expect(IcebergVersion("1.10") == IcebergVersion(major: 1, minor: 10))
        #expect(IcebergVersion("1.9.2") == IcebergVersion(major: 1, minor: 9))
        #expect(IcebergVersion(major: 1, minor: 9) < IcebergVersion(major: 1, minor: 10))
        for text in ["1.8", "1", "1.x", "", "1.10.2.3", "-1.10", "1..10", "1.99999999999999999999"]
        {
            #expect(IcebergVersion(text) == nil, "\(text)")
        }
    }
}
