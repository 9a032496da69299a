// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Testing
import WireFormat

@testable import Maintenance

struct RecommendationTests {
    private static let now = Timestamp(milliseconds: 1_800_000_000_000)

    private func router(_ actions: [MaintenanceAction] = MaintenanceAction.allCases) -> EngineRouter
    {
        EngineRouter(engines: [EngineCapability(name: "native", actions: Set(actions))])
    }

    /// Small files of one partition, and the verdicts on them.
    private func assess(
        _ count: Int, properties: TableProperties = [:], lastRemoval: Timestamp? = nil,
        router: EngineRouter? = nil
    ) throws -> (verdicts: [Recommendation.Verdict], policy: MaintenancePolicy) {
        let metadata = try RewriteFixtures.metadata(properties)
        var assessment = TableAssessment(metadata)
        for index in 0..<count {
            assessment.add(RewriteFixtures.file(Int64(index), bytes: 10), .none)
        }
        let policy = MaintenancePolicy(properties, defaults: PolicyDefaults())
        return (
            assessment.verdicts(
                order: .compactFirst, policy: policy, lastOrphanRemoval: lastRemoval,
                now: Self.now
            ) {
                Recommendation.obstacle(to: $0, router ?? self.router(), policy.engine.value)
            }, policy
        )
    }

    private func recommend(
        _ count: Int, properties: TableProperties = [:], last: Timestamp? = nil,
        skips: [Recommendation.Skip] = [], router: EngineRouter? = nil
    ) throws -> Recommendation {
        let (verdicts, policy) = try assess(
            count, properties: properties, lastRemoval: Self.now, router: router)
        return Recommendation(
            verdicts: verdicts, skips: skips,
            cadence: .init(
                hours: policy.cadenceHours.value, lastCompletedAt: last, now: Self.now),
            policy: policy, router: router ?? self.router())
    }

    @Test func `there is one verdict for each action, in the order of a job`() throws {
        #expect(try assess(0).verdicts.map(\.action) == ActionOrder.compactFirst.actions)
    }

    @Test func `work that cannot be done is not called nothing`() throws {
        let recommendation = try recommend(
            5, properties: ["icepack.engine": "spark"],
            router: EngineRouter(engines: [
                EngineCapability(name: "native", actions: Set(MaintenanceAction.allCases))
            ]))

        #expect(recommendation.actions.isEmpty)
        #expect(recommendation.skips.map(\.code) == [.obstructed])
        let reason = recommendation.skips[0].reason
        #expect(reason.contains("rewrite_data_files: 5 of 5 data files"))
        #expect(reason.contains("icepack.engine"))
    }

    @Test func `orphans of an encrypted table are nothing to recommend`() throws {
        for (properties, expected) in [([:], true), (["encryption.key-id": "k"], false)]
            as [(TableProperties, Bool)]
        {
            let verdict = try #require(
                try assess(0, properties: properties).verdicts.first {
                    $0.action == .removeOrphanFiles
                })
            #expect(verdict.isRecommended == expected)
            #expect(verdict.reason.contains("encrypted") != expected)
        }
    }

    @Test func `a misspelt property is named`() throws {
        let (_, policy) = try assess(
            0, properties: ["icepack.min_inptu_files": "3", "icepack.spark.x": "y"])
        #expect(
            policy.warnings == [
                "icepack.min_inptu_files is ignored: there is no such property; did you mean "
                    + "icepack.min_input_files?"
            ])
    }

    @Test func `what the planner would rewrite is recommended with its numbers`() throws {
        let recommendation = try recommend(5)

        #expect(recommendation.actions == [.rewriteDataFiles])
        let verdict = try #require(
            recommendation.verdicts.first { $0.action == .rewriteDataFiles })
        #expect(verdict.evidence["rewritten_data_files"] == 5)
        #expect(verdict.evidence["added_data_files"] == 1)
        #expect(verdict.reason.contains("5 of 5 data files in 1 group can become 1"))
        #expect(recommendation.engine?.engine == "native")
    }

    @Test func `with nothing to do it says so`() throws {
        let recommendation = try recommend(4)

        #expect(recommendation.actions.isEmpty)
        #expect(recommendation.skips.map(\.code) == [.nothingToDo])
    }

    @Test(arguments: [(23, true), (24, false), (25, false)])
    func `nothing is recommended before the cadence is due`(hours: Int, skips: Bool) throws {
        let last = Self.now.advanced(by: .seconds(-hours * 3600))

        let recommendation = try recommend(5, last: last)

        #expect(recommendation.actions.isEmpty == skips)
        #expect(recommendation.skips.map(\.code) == (skips ? [.cadenceNotDue] : []))
    }

    @Test func `a reason to skip empties the recommendation and leaves the verdicts`() throws {
        let recommendation = try recommend(
            5, skips: [.init(.activeJob, "a job is running")])

        #expect(recommendation.actions.isEmpty)
        #expect(!recommendation.verdicts.filter(\.isRecommended).isEmpty)
    }

    @Test func `what no engine runs is not recommended, and why`() throws {
        let recommendation = try recommend(5, router: router([.expireSnapshots]))

        #expect(recommendation.actions.isEmpty)
        let verdict = try #require(
            recommendation.verdicts.first { $0.action == .rewriteDataFiles })
        #expect(!verdict.isRecommended)
        #expect(verdict.reason.contains("no configured engine"))
    }

    @Test(arguments: [(6, false), (7, true)])
    func `orphan files are looked for every seven days`(days: Int, expected: Bool) throws {
        let last = Self.now.advanced(by: .seconds(-days * 86_400))
        let verdict = try #require(
            try assess(0, lastRemoval: last).verdicts.first { $0.action == .removeOrphanFiles })

        #expect(verdict.isRecommended == expected)
    }

    @Test func `orphan files of a table that does not own its files are never looked for`() throws {
        let verdict = try #require(
            try assess(0, properties: ["gc.enabled": "false"]).verdicts
                .first { $0.action == .removeOrphanFiles })

        #expect(!verdict.isRecommended)
        #expect(verdict.reason.contains("gc.enabled"))
    }

    @Test(
        arguments: [
            ([], false), ([1], false), ([1, 1], false), ([1, 1, 1], true),
            ([8_388_608, 1, 1], false), ([8_388_608, 1, 1, 1], true),
            ([4_000_000, 4_000_000, 4_000_000, 4_000_000], false),
        ] as [([Int64], Bool)])
    func `manifests are rewritten when that saves two and half of them`(
        sizes: [Int64], expected: Bool
    ) throws {
        let verdict = try manifestVerdict(sizes)

        #expect(verdict.isRecommended == expected, "\(verdict)")
    }

    @Test func `manifests are judged as their rewrite plans, not by their number of bytes`() throws
    {
        let properties: TableProperties = ["commit.manifest.target-size-bytes": "81000"]
        let metadata = try RewriteFixtures.metadata(properties)
        let manifests = Array(repeating: Self.manifest(40_000), count: 6)

        let plan = try RewriteManifestsPlanner.plan(metadata, manifests: manifests)
        let verdict = try manifestVerdict(manifests.map(\.length), properties)

        #expect(!plan.hasWork)
        #expect(!verdict.isRecommended, "\(verdict)")
        #expect(verdict.evidence["rewritten_manifests"] == 0)
        #expect(verdict.reason.hasPrefix("none of 6 manifests"))
    }

    @Test func `a target for manifests that is no number speaks against their rewrite`() throws {
        let verdict = try manifestVerdict(
            [1, 1, 1], ["commit.manifest.target-size-bytes": "large"])

        #expect(!verdict.isRecommended)
        #expect(verdict.reason.contains("commit.manifest.target-size-bytes"))
    }

    private static func manifest(_ length: Int64) -> ManifestFile {
        var manifest = ManifestFile(path: "m", length: length, partitionSpecID: 1)
        manifest.addedSnapshotID = 1
        (manifest.addedFilesCount, manifest.existingFilesCount) = (100, 0)
        manifest.deletedFilesCount = 0
        (manifest.addedRowsCount, manifest.existingRowsCount) = (100, 0)
        manifest.deletedRowsCount = 0
        return manifest
    }

    private func manifestVerdict(
        _ sizes: [Int64], _ properties: TableProperties = [:]
    ) throws -> Recommendation.Verdict {
        var assessment = TableAssessment(try RewriteFixtures.metadata(properties))
        assessment.add(manifests: sizes.map(Self.manifest))
        return try #require(
            assessment.verdicts(
                order: .cleanupFirst, policy: MaintenancePolicy(properties, defaults: .init()),
                lastOrphanRemoval: nil, now: Self.now
            ).first { $0.action == .rewriteManifests })
    }

    @Test func `a property that cannot be read speaks against its action alone`() throws {
        let (verdicts, _) = try assess(
            5, properties: ["write.target-file-size-bytes": "huge"])

        let rewrite = try #require(verdicts.first { $0.action == .rewriteDataFiles })
        #expect(!rewrite.isRecommended)
        #expect(rewrite.reason.contains("write.target-file-size-bytes"))
    }
}

/// What the native engine would leave as it is, each time.
struct NativeReachTests {
    private static let now = Timestamp(milliseconds: 1_800_000_000_000)

    private func verdict(
        _ files: [LiveFile], deletes: [LiveFile] = [], properties: TableProperties = [:],
        engines: [String] = ["native"]
    ) throws -> Recommendation.Verdict {
        let metadata = try RewriteFixtures.metadata(properties)
        var assessment = TableAssessment(metadata)
        let index = try DeleteFileIndex(deletes, specs: metadata.partitionSpecs)
        assessment.add(deleteFiles: index)
        for file in files { assessment.add(file, index.applied(to: file)) }
        let policy = MaintenancePolicy(properties, defaults: .init())
        let all = Set(MaintenanceAction.allCases)
        let router = EngineRouter(engines: engines.map { .init(name: $0, actions: all) })
        let verdicts = assessment.verdicts(
            order: .cleanupFirst, policy: policy, lastOrphanRemoval: Self.now, now: Self.now
        ) { Recommendation.obstacle(to: $0, router, policy.engine.value) }
        return try #require(verdicts.first { $0.action == .rewriteDataFiles })
    }

    private func files(
        _ range: ClosedRange<Int64>, in partition: Int64 = 1,
        _ change: (inout LiveFile) -> Void = { _ in }
    ) -> [LiveFile] {
        range.map {
            var file = RewriteFixtures.file(
                $0, bytes: 10, in: RewriteFixtures.partition(partition))
            change(&file)
            return file
        }
    }

    @Test func `files of ORC are not recommended for what would fail each time`() throws {
        let orc = files(1...5) { $0.format = .orc }

        let alone = try verdict(orc)
        let beside = try verdict(orc, engines: ["native", "spark"])
        let asked = try verdict(
            orc, properties: ["icepack.engine": "spark"], engines: ["native", "spark"])

        #expect(!alone.isRecommended)
        #expect(alone.reason.contains("a file of ORC"))
        #expect(alone.reason.contains("ICEPACK_SPARK_HOST"))
        #expect(alone.evidence["orc_files"] == 5)
        #expect(!beside.isRecommended)
        #expect(beside.reason.contains("set the table property icepack.engine to spark"))
        #expect(asked.isRecommended)
    }

    @Test func `encrypted files, and files with encrypted deletes, are not recommended either`()
        throws
    {
        let delete = files(9...9) {
            $0.content = .positionDeletes
            $0.isEncrypted = true
            $0.dataSequenceNumber = 2
        }

        let encrypted = try verdict(files(1...5) { $0.isEncrypted = true })
        let deleted = try verdict(files(1...5), deletes: delete)
        let table = try verdict(files(1...5), properties: ["encryption.key-id": "k"])

        #expect(!encrypted.isRecommended && encrypted.reason.contains("is encrypted"))
        #expect(!deleted.isRecommended && deleted.reason.contains("a delete file of"))
        #expect(!table.isRecommended && table.reason.contains("encryption.key-id"))
    }

    @Test(arguments: [false, true])
    func `deletes of data files that cannot be rewritten remain`(isObstructed: Bool) throws {
        let metadata = try RewriteFixtures.metadata()
        var assessment = TableAssessment(metadata)
        let deletes = files(11...15) {
            $0.content = .positionDeletes
            $0.dataSequenceNumber = 2
        }
        let index = try DeleteFileIndex(deletes, specs: metadata.partitionSpecs)
        assessment.add(deleteFiles: index)
        for file in files(1...5) { assessment.add(file, index.applied(to: file)) }

        let verdicts = assessment.verdicts(
            order: .cleanupFirst, policy: MaintenancePolicy([:], defaults: .init()),
            lastOrphanRemoval: Self.now, now: Self.now
        ) { isObstructed && $0.action == .rewriteDataFiles ? "nobody can" : nil }

        func verdict(_ action: MaintenanceAction) throws -> Recommendation.Verdict {
            try #require(verdicts.first { $0.action == action })
        }
        #expect(try verdict(.rewriteDataFiles).isRecommended != isObstructed)
        #expect(try verdict(.rewriteDataFiles).isObstructed == isObstructed)
        let positions = try verdict(.rewritePositionDeleteFiles)
        #expect(positions.isRecommended == isObstructed, "\(positions.reason)")
        #expect(
            positions.evidence["remaining_position_delete_files"] == (isObstructed ? 5 : 0))
    }

    @Test func `files that are left do not keep the others of their partition from it`() throws {
        let others = files(1...5) + files(6...6) { $0.format = .orc }
        let few = files(1...1) + files(6...10) { $0.format = .orc }

        #expect(try verdict(others).isRecommended)
        #expect(try !verdict(few).isRecommended)
    }

    @Test func `one group that can be rewritten is enough`() throws {
        let mixed = files(1...5) { $0.format = .orc } + files(6...10, in: 2)

        #expect(try verdict(mixed).isRecommended)
    }
}

struct MaintenancePolicyTests {
    private func setting(
        _ name: String, _ properties: TableProperties
    ) throws -> MaintenancePolicy.Setting {
        let policy = MaintenancePolicy(properties, defaults: PolicyDefaults())
        return try #require(policy.settings.first { $0.name == name })
    }

    @Test func `every setting has an origin and a consequence`() {
        let policy = MaintenancePolicy([:], defaults: PolicyDefaults())
        let names = [
            "maintenance_enabled", "maintenance_cadence_hours", "target_file_size_bytes",
            "max_snapshot_age_days", "min_snapshots_to_keep", "orphan_file_age_days",
            "min_input_files", "partial_progress_max_commits",
            "rewrite_data_delete_file_threshold", "rewrite_data_delete_ratio_threshold",
            "rewrite_data_rewrite_all", "delete_file_threshold", "engine", "compaction_skip",
            "enrollment", "maintenance_allowlist",
        ]

        #expect(policy.settings.map(\.name) == names)
        for setting in policy.settings {
            #expect(setting.origin == "default")
            #expect(!setting.consequence.isEmpty)
        }
        #expect(policy.warnings.isEmpty)
    }

    @Test func `the table's own word wins over the configuration`() throws {
        let defaults = PolicyDefaults(
            cadenceHours: EffectiveValue(
                6, .environment("ICEPACK_MAINTENANCE_CADENCE_HOURS")))

        let configured = MaintenancePolicy([:], defaults: defaults)
        let own = MaintenancePolicy(
            ["icepack.maintenance_cadence_hours": "48"], defaults: defaults)

        #expect(configured.cadenceHours.value == 6)
        #expect(
            configured.cadenceHours.origin.text
                == "environment ICEPACK_MAINTENANCE_CADENCE_HOURS")
        #expect(own.cadenceHours.value == 48)
    }

    @Test func `what gives way to a setting is shown with it, in its order`() throws {
        let target = try setting(
            "target_file_size_bytes",
            [
                "snowpack.target_file_size_bytes": "1048576",
                "write.target-file-size-bytes": "2097152",
            ])
        let policy = MaintenancePolicy(
            ["icepack.engine": "native"],
            defaults: PolicyDefaults(
                engine: EffectiveValue(.spark, .file("engine")),
                allowlist: EffectiveValue(["a", "b"], .environment("ICEPACK_X"))))
        let engine = try #require(policy.settings.first { $0.name == "engine" })
        let allowlist = try #require(
            policy.settings.first { $0.name == "maintenance_allowlist" })

        #expect(target.origin == "policy snowpack.target_file_size_bytes")
        #expect(
            target.overridden == [
                .init(
                    value: "2097152", origin: "table property write.target-file-size-bytes")
            ])
        #expect(engine.overridden == [.init(value: "spark", origin: "file engine")])
        #expect(allowlist.value == "a,b")
        #expect(allowlist.origin == "environment ICEPACK_X")
    }

    @Test func `wrong values are warned about in the status too, the one without a prefix as well`()
        throws
    {
        let metadata = try RewriteFixtures.metadata([
            "compaction_skip": "yes", "icepack.maintenance_enabled": "maybe",
            "icepack.maintenance_cadence_hours": "often", "icepack.engine": "fast",
        ])

        let warnings = TableAssessment(metadata).status(
            metadataFileBytes: 0, now: Timestamp(milliseconds: 1_800_000_000_000)
        ).warnings

        for name in [
            "compaction_skip", "icepack.maintenance_enabled",
            "icepack.maintenance_cadence_hours", "icepack.engine",
        ] {
            #expect(warnings.contains { $0.hasPrefix(name) }, "\(name): \(warnings)")
        }
    }

    @Test func `the older prefix is read, and said to be old`() throws {
        let policy = MaintenancePolicy(
            ["snowpack.delete_file_threshold": "9"], defaults: PolicyDefaults())

        #expect(policy.deleteFileThreshold.value == 9)
        #expect(policy.warnings.count == 1)
    }

    @Test func `a bad value is ignored with a warning, once`() {
        let policy = MaintenancePolicy(
            ["icepack.max_snapshot_age_days": "soon", "icepack.orphan_file_age_days": "0"],
            defaults: PolicyDefaults())

        #expect(policy.warnings.count == 2)
    }

    @Test func `iceberg's own properties show as such`() throws {
        let age = try setting(
            "max_snapshot_age_days", ["history.expire.max-snapshot-age-ms": "3600000"])

        #expect(age.origin == "table property history.expire.max-snapshot-age-ms")
    }

    @Test func `settings of a Spark session are listed`() throws {
        #expect(
            try setting(
                "spark.sql.shuffle.partitions", ["icepack.spark.sql.shuffle.partitions": "8"]
            )
            .value == "8")
    }
}
