// SPDX-License-Identifier: Apache-2.0

import Maintenance
import Testing
import WireFormat

@Suite struct ActionOrderTests {
    @Test func `both presets hold all five actions`() throws {
        #expect(Set(ActionOrder.cleanupFirst.actions) == Set(MaintenanceAction.allCases))
        #expect(Set(ActionOrder.compactFirst.actions) == Set(MaintenanceAction.allCases))
        #expect(try ActionOrder("cleanup-first") == .cleanupFirst)
        #expect(try ActionOrder("compact-first").actions.first == .rewriteDataFiles)
    }

    @Test func `any permutation of the five is an order`() throws {
        let names = MaintenanceAction.allCases.shuffled().map(\.rawValue)

        let order = try ActionOrder(names.joined(separator: ", "))

        #expect(order.actions.map(\.rawValue) == names)
    }

    @Test func `a list that is no permutation is refused with what is wrong`() {
        #expect(throws: InvalidActionOrder.missing([.rewriteManifests])) {
            try ActionOrder(
                "expire_snapshots,remove_orphan_files,rewrite_data_files,"
                    + "rewrite_position_delete_files")
        }
        #expect(throws: InvalidActionOrder.repeated(.expireSnapshots)) {
            try ActionOrder("expire_snapshots,expire_snapshots")
        }
        #expect(throws: InvalidActionOrder.unknown("cleanup_first", nearest: "cleanup-first")) {
            try ActionOrder("cleanup_first")
        }
        #expect(throws: InvalidActionOrder.self) { try ActionOrder("") }
    }

    @Test func `wanted actions are sorted and folded`() {
        let wanted: [MaintenanceAction] = [.rewriteManifests, .expireSnapshots, .rewriteManifests]

        #expect(ActionOrder.cleanupFirst.sorted(wanted) == [.expireSnapshots, .rewriteManifests])
    }
}

@Suite struct EngineRouterTests {
    private let native = EngineCapability(name: "native", actions: [.expireSnapshots])
    private let spark = EngineCapability(name: "spark", actions: Set(MaintenanceAction.allCases))

    @Test func `an action that no engine runs is refused, naming what is configured`() {
        let router = EngineRouter(engines: [native])

        do {
            _ = try router.choose(.rewriteDataFiles)
            Issue.record("an engine was found")
        } catch {
            #expect(error.action == .rewriteDataFiles)
            #expect(error.reason.contains("no configured engine runs rewrite_data_files"))
            #expect(error.reason.contains("expire_snapshots"))
        }
    }

    @Test func `a condition that one engine does not understand goes to another, or is refused`()
        throws
    {
        let limited = EngineCapability(
            name: "native", actions: [.rewriteDataFiles],
            limits: EngineLimits(conditions: [.rewriteDataFiles: ["where"]]))
        func request(_ condition: JSONValue) throws -> RoutedAction {
            RoutedAction(
                .rewriteDataFiles,
                options: try ActionOptions.validating(
                    ["where": condition], for: .rewriteDataFiles))
        }
        let both = EngineRouter(engines: [limited, spark])

        #expect(try both.choose(request("id = 1")).engine == "native")
        #expect(try both.choose(request("upper(name) = 'X'")).engine == "spark")
        let error = try #require(throws: NoEngineForAction.self) {
            try EngineRouter(engines: [limited]).choose(try request("id = "))
        }
        #expect(
            error.reason
                == "where has the end where a literal should be, at character 6; or run it with "
                + "the Spark engine")
    }

    @Test func `the first engine that can run an action gets it`() throws {
        let router = EngineRouter(engines: [native, spark])

        #expect(try router.choose(.expireSnapshots).engine == "native")
        #expect(try router.choose(.rewriteDataFiles).engine == "spark")
        #expect(
            try router.choose([.init(.expireSnapshots), .init(.rewriteDataFiles)])?.engine
                == "mixed")
        #expect(try router.choose([.init(.expireSnapshots)])?.engine == "native")
        #expect(try router.choose([RoutedAction]()) == nil)
    }

    @Test func `an engine asked for by name is used or refused, never replaced`() throws {
        let router = EngineRouter(engines: [native, spark], preference: .spark)

        #expect(try router.choose(.expireSnapshots).engine == "spark")
        #expect(throws: NoEngineForAction.self) {
            try router.choose(.rewriteManifests, preferring: .native)
        }
        #expect(throws: NoEngineForAction.self) {
            try EngineRouter(engines: []).choose(.expireSnapshots)
        }
    }
}
