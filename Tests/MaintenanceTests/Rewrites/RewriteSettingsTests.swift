// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import Testing
import WireFormat

@testable import Maintenance

struct RewriteSettingsTests {
    private func resolve(
        _ properties: TableProperties, _ options: JSONValue = [:]
    ) throws -> (settings: RewriteDataFilesSettings, warnings: [String]) {
        try RewriteDataFilesSettings.resolve(
            try RewriteFixtures.metadata(properties),
            options: try ActionOptions.validating(options, for: .rewriteDataFiles))
    }

    @Test func `without a word the defaults hold`() throws {
        let (settings, warnings) = try resolve([:])

        #expect(settings.groups.sizes.target == EffectiveValue(536_870_912, .byDefault))
        #expect(settings.groups.sizes.minimum.value == 402_653_184)
        #expect(settings.groups.sizes.maximum.value == 966_367_641)
        #expect(settings.groups.minInputFiles == EffectiveValue(5, .byDefault))
        #expect(settings.groups.maxGroupBytes.value == 107_374_182_400)
        #expect(settings.deleteFileThreshold == EffectiveValue(2, .byDefault))
        #expect(settings.deleteRatioThreshold == EffectiveValue(0.1, .byDefault))
        #expect(settings.outputSpecID == EffectiveValue(1, .byDefault))
        #expect(settings.strategy == EffectiveValue(.binpack, .byDefault))
        #expect(settings.maxFiles == nil)
        #expect(warnings.isEmpty)
    }

    @Test func `the request wins over the policy, and that over the table`() throws {
        let properties: TableProperties = [
            "write.target-file-size-bytes": "100", "icepack.target_file_size_bytes": "200",
            "icepack.min_input_files": "7", "icepack.rewrite_data_rewrite_all": "true",
        ]

        let policy = try resolve(properties).settings
        let request = try resolve(
            properties,
            ["target-file-size-bytes": 300, "min-input-files": 3, "rewrite-all": false]
        ).settings
        let table = try resolve(["write.target-file-size-bytes": "100"]).settings

        #expect(
            policy.groups.sizes.target
                == EffectiveValue(200, .policy(property: "icepack.target_file_size_bytes")))
        #expect(policy.groups.minInputFiles.value == 7)
        #expect(policy.groups.rewritesAll.value)
        #expect(request.groups.sizes.target == EffectiveValue(300, .request))
        #expect(request.groups.minInputFiles == EffectiveValue(3, .request))
        #expect(request.groups.rewritesAll == EffectiveValue(false, .request))
        #expect(
            table.groups.sizes.target
                == EffectiveValue(100, .tableProperty("write.target-file-size-bytes")))
    }

    @Test func `a policy that does not parse is ignored with a warning`() throws {
        let (settings, warnings) = try resolve(["icepack.min_input_files": "many"])

        #expect(settings.groups.minInputFiles == EffectiveValue(5, .byDefault))
        #expect(warnings.count == 1)
    }

    @Test(arguments: ["many", "0", "-5"])
    func `a target size of the table that makes no sense is refused`(size: String) {
        #expect(throws: RewriteRefusal.self) {
            try resolve(["write.target-file-size-bytes": .init(size)])
        }
    }

    @Test(
        arguments: [
            ["where": "ix > 5"], ["where": "id >"], ["output-spec-id": 4], ["branch": "nowhere"],
            ["sort_order": "ix"], ["sort_order": "days(id)"], ["sort_order": "zorder(id)"],
            ["min-file-size-bytes": 999_999_999_999], ["max-file-size-bytes": 5],
        ] as [JSONValue])
    func `what cannot be honoured is refused with a reason`(options: JSONValue) {
        #expect(throws: RewriteRefusal.self) { try resolve([:], options) }
    }

    @Test(
        arguments: [
            ["compression-factor": 2], ["strategy": "binpack", "shuffle-partitions-per-file": 2],
            ["var-length-contribution": 2], ["max-output-size": 2], ["overlap-threshold": 2],
            ["sort_order": "id", "overlap-threshold": 0],
            ["sort_order": "id", "var-length-contribution": 2],
            ["strategy": "sort", "max-output-size": 2], ["sort_order": "id,"],
            ["sort_order": "zorder()"], ["sort_order": "id, id"],
            ["sort_order": "id, zorder(ratio)"],
        ] as [JSONValue])
    func `options that contradict each other are refused without a table`(options: JSONValue) {
        #expect(throws: OptionError.self) {
            try ActionOptions.validating(options, for: .rewriteDataFiles)
        }
    }

    @Test func `a sort order means sorting`() throws {
        let options: JSONValue = ["sort_order": "id ASC", "compression-factor": 2]

        let settings = try resolve([:], options).settings
        #expect(settings.strategy == EffectiveValue(.sort, .request))
        #expect(settings.sortOrder == EffectiveValue("id ASC NULLS FIRST", .request))
        #expect(throws: RewriteRefusal.unsorted) { try resolve([:], ["strategy": "sort"]) }
    }
}
