// SPDX-License-Identifier: Apache-2.0

import Maintenance
import Testing
import WireFormat

@Suite struct ActionOptionsTests {
    private func error(
        _ json: String, for action: MaintenanceAction = .expireSnapshots
    ) throws -> OptionError? {
        let value = try JSONValue(parsing: json)
        do {
            _ = try ActionOptions.validating(value, for: action)
            return nil
        } catch {
            return error
        }
    }

    @Test func `every argument of the expiry procedure is taken by its published name`() throws {
        let json = """
            {"older_than": "2026-01-31T00:00:00Z", "retain_last": 2, "max_concurrent_deletes": 4,
             "stream_results": true, "snapshot_ids": [9223372036854775807, -1],
             "clean_expired_metadata": false}
            """

        let options = try ActionOptions.validating(JSONValue(parsing: json), for: .expireSnapshots)

        #expect(options.timestamp("older_than") == Timestamp(iso8601: "2026-01-31"))
        #expect(options.integer("retain_last") == 2)
        #expect(options.integers("snapshot_ids") == [.max, -1])
        #expect(options.boolean("stream_results") == true)
        #expect(options.boolean("clean_expired_metadata") == false)
    }

    @Test func `null members and a null object are left out`() throws {
        #expect(try ActionOptions.validating(.null, for: .rewriteManifests) == .none)
        #expect(
            try ActionOptions.validating(["retain_last": nil], for: .expireSnapshots) == .none)
    }

    @Test(arguments: [
        ("retain_lst", "retain_last"), ("older-than", "older_than"),
        ("snapshotids", "snapshot_ids"),
    ])
    func `an unknown name is refused with the nearest one`(name: String, nearest: String) throws {
        let error = try error("{\"\(name)\": 1}")

        #expect(error?.field == "options.expire_snapshots.\(name)")
        #expect(error?.reason == .unknownName(nearest: nearest))
        #expect(error.map(String.init(describing:))?.contains("did you mean \(nearest)?") == true)
    }

    @Test(arguments: [
        #"{"retain_last": 0}"#, #"{"retain_last": 2147483648}"#, #"{"retain_last": 1.5}"#,
        #"{"retain_last": "2"}"#, #"{"older_than": 5}"#, #"{"older_than": "yesterday"}"#,
        #"{"max_concurrent_deletes": 0}"#, #"{"snapshot_ids": []}"#, #"{"snapshot_ids": ["1"]}"#,
        #"{"snapshot_ids": [9223372036854775808]}"#, #"{"snapshot_ids": 1}"#,
        #"{"clean_expired_metadata": "true"}"#, #"{"stream_results": 1}"#, "[]", "\"x\"",
    ])
    func `a value of another type or range is refused`(json: String) throws {
        guard case .badValue = try error(json)?.reason else {
            Issue.record("\(json) was accepted")
            return
        }
    }

    @Test(arguments: [(1, true), (10_000, true), (10_001, false)])
    func `a list holds at most ten thousand elements`(count: Int, accepted: Bool) throws {
        let ids = JSONValue.array((0..<count).map { .integer($0) })

        let options = try? ActionOptions.validating(["snapshot_ids": ids], for: .expireSnapshots)

        #expect((options != nil) == accepted)
        #expect(OptionType.maxElements == 10_000)
    }

    @Test func `the delete ratio is above zero and at most one`() throws {
        let accepted = ["0.0001", "1", "1.0", "3e-1"]
        let refused = ["0", "1.0001", "-0.5", "\"0.3\""]

        for number in accepted {
            #expect(
                try error("{\"delete-ratio-threshold\": \(number)}", for: .rewriteDataFiles) == nil)
        }
        for number in refused {
            #expect(
                try error("{\"delete-ratio-threshold\": \(number)}", for: .rewriteDataFiles) != nil)
        }
    }

    @Test func `a choice takes any case and keeps the published spelling`() throws {
        let options = try ActionOptions.validating(
            ["prefix_mismatch_mode": "ignore", "mode": "Delete"], for: .removeOrphanFiles)

        #expect(options.values["prefix_mismatch_mode"]?.stringValue == "IGNORE")
        #expect(options.values["mode"]?.stringValue == "delete")
    }

    @Test func `file sizes must rise from minimum over target to maximum`() throws {
        let error = try error(
            #"{"min-file-size-bytes": 10, "target-file-size-bytes": 10}"#, for: .rewriteDataFiles)

        #expect(error?.field == "options.rewrite_data_files.min-file-size-bytes")
    }

    @Test func `the position delete rewrite has no max-files-to-rewrite`() throws {
        #expect(
            try error(#"{"max-files-to-rewrite": 3}"#, for: .rewritePositionDeleteFiles) != nil)
        #expect(try error(#"{"max-files-to-rewrite": 3}"#, for: .rewriteDataFiles) == nil)
    }

    @Test(arguments: MaintenanceAction.allCases)
    func `no action declares a name twice`(action: MaintenanceAction) {
        let names = action.declarations.map(\.name)

        #expect(Set(names).count == names.count)
        #expect(!names.isEmpty)
    }

    @Test func `options of a whole request are keyed by action`() throws {
        let all = try ActionOptions.validating(
            request: ["expire_snapshots": ["retain_last": 3], "rewrite_manifests": [:]])

        #expect(all[.expireSnapshots]?.integer("retain_last") == 3)
        #expect(all[.rewriteManifests] == ActionOptions.none)
        do {
            _ = try ActionOptions.validating(request: ["expire_snapshot": [:]])
            Issue.record("an unknown action was accepted")
        } catch {
            #expect(error.field == "options.expire_snapshot")
            #expect(error.reason == .unknownName(nearest: "expire_snapshots"))
        }
    }
}

@Suite struct CommandLineOptionTests {
    private func parse(
        _ texts: [String], _ actions: [MaintenanceAction] = [.expireSnapshots]
    ) throws -> [MaintenanceAction: ActionOptions] {
        try ActionOptions.parsing(cli: texts, for: actions)
    }

    @Test func `texts become the declared types`() throws {
        let options = try parse([
            "retain_last=2", "older_than=2026-01-31T00:00:00Z", "snapshot_ids=1, 2,3",
            "clean_expired_metadata=TRUE",
        ])[.expireSnapshots]

        #expect(options?.integer("retain_last") == 2)
        #expect(options?.integers("snapshot_ids") == [1, 2, 3])
        #expect(options?.boolean("clean_expired_metadata") == true)
        #expect(options?.timestamp("older_than") == Timestamp(iso8601: "2026-01-31"))
    }

    @Test func `with several actions the action stands in front`() throws {
        let options = try parse(
            ["rewrite_data_files.partial-progress.enabled=true", "expire_snapshots.retain_last=4"],
            [.rewriteDataFiles, .expireSnapshots])

        #expect(options[.rewriteDataFiles]?.boolean("partial-progress.enabled") == true)
        #expect(options[.expireSnapshots]?.integer("retain_last") == 4)
    }

    @Test func `maps are commas and colons, or JSON`() throws {
        let plain = try parse(["equal_schemes=s3a:s3,s3n:s3"], [.removeOrphanFiles])
        let json = try parse([#"equal_schemes={"s3a":"s3","s3n":"s3"}"#], [.removeOrphanFiles])

        #expect(plain == json)
    }

    @Test(arguments: [
        "retain_last", "=2", "retain_last=two", "retain_last=1.5", "retain_lst=2",
        "snapshot_ids=1,,2", "older_than=", "rewrite_manifests.spec_id=1", "retain_last=",
    ])
    func `a text that cannot be taken is refused`(text: String) {
        #expect(throws: OptionError.self) { try parse([text]) }
    }

    @Test func `a name without its action is refused among several, and so is one given twice`() {
        #expect(throws: OptionError.self) {
            try parse(["retain_last=2"], [.expireSnapshots, .rewriteManifests])
        }
        #expect(throws: OptionError(field: "--option retain_last", reason: .repeated)) {
            try parse(["retain_last=2", "retain_last=3"])
        }
    }
}
