// SPDX-License-Identifier: Apache-2.0

import HiveServer2
import Testing

@testable import SparkEngine

/// What Spark's interface and HiveServer2 answer, in the words of the ports.
@Suite struct AdapterTests {
    @Test func `jobs are read as far as they can be`() throws {
        let body = """
            [{"jobId": 7, "description": "Rewriting 1 files in lab.db.t", "jobGroup": "G-1",
              "status": "RUNNING", "numTasks": 8, "numCompletedTasks": 3, "more": {}},
             {"jobId": 8}, {"jobId": 9, "status": "SUCCEEDED"}, {"name": "x"}, 5]
            """

        let jobs = try SparkWebReplies.jobs(Array(body.utf8), of: "app-1")

        #expect(
            jobs == [
                SparkJob(
                    application: "app-1", id: 7, group: "G-1",
                    description: "Rewriting 1 files in lab.db.t", tasksDone: 3, tasks: 8),
                SparkJob(
                    application: "app-1", id: 8, group: nil, description: nil, tasksDone: 0,
                    tasks: 0),
            ])
    }

    @Test func `statements are read with their text and their jobs`() throws {
        let body = """
            [{"id": 1, "status": "RUNNING", "description": "/* x */ CALL", "runningJobIds": [3, 4]},
             {"id": 2, "status": "COMPLETED", "description": "SELECT 1"}, {"id": 3}]
            """

        let statements = try SparkWebReplies.statements(Array(body.utf8), of: "app-1")

        #expect(statements.map(\.description) == ["/* x */ CALL", "SELECT 1"])
        #expect(statements.map(\.isRunning) == [true, false])
        #expect(statements.map(\.runningJobs) == [[3, 4], []])
    }

    @Test func `only ids that can stand in a path are applications`() throws {
        let body = #"[{"id": "app-1"}, {"id": "../x"}, {"id": ""}, {"id": 5}, {"id": "local-2_b"}]"#

        #expect(try SparkWebReplies.applications(Array(body.utf8)) == ["app-1", "local-2_b"])
        #expect(SparkWebReplies.isName(String(repeating: "a", count: 256)))
        #expect(!SparkWebReplies.isName(String(repeating: "a", count: 257)))
    }

    @Test(arguments: ["", "<html>", "{}", "null", "[", "{\"message\":\"no\"}"])
    func `what is no list is refused and never an empty one`(body: String) {
        #expect(throws: SparkApplicationsError.self) {
            try SparkWebReplies.applications(Array(body.utf8))
        }
        #expect(throws: SparkApplicationsError.self) {
            try SparkWebReplies.jobs(Array(body.utf8), of: "a")
        }
        #expect(throws: SparkApplicationsError.self) {
            try SparkWebReplies.engineCount(Array(body.utf8))
        }
        #expect(throws: SparkApplicationsError.self) {
            try SparkWebReplies.threads(Array(body.utf8))
        }
    }

    @Test func `threads are read with their frames`() throws {
        let body = """
            [{"threadId": 1, "threadName": "main", "stackTrace": {"elems": ["a.b", "c.d"]}},
             {"threadName": "old", "stackTrace": "e.f\\ng.h"}, {"stackTrace": {"elems": []}}]
            """

        let threads = try SparkWebReplies.threads(Array(body.utf8))

        #expect(threads.map(\.name) == ["main", "old", "a thread without a name"])
        #expect(threads.map(\.frames) == [["a.b", "c.d"], ["e.f", "g.h"], []])
    }

    @Test(arguments: ["[]", #"[{"threadName": "main"}]"#])
    func `a driver without threads is no answer`(body: String) {
        #expect(throws: SparkApplicationsError.self) {
            try SparkWebReplies.threads(Array(body.utf8))
        }
    }

    @Test(arguments: [
        ("Killed engine with ApplicationManagerInfo(Some(yarn),K)/s-1: (true,Succeeded)", true),
        (#""…\nKilled engine with A(None)/s-1: (true,[k8s] deleted)""#, true),
        ("Killed engine with A(Some(yarn))/s-1: (false,APPLICATION_NOT_FOUND)", false),
        ("Killed engine with A(Some(yarn))/s-2: (true,Succeeded)", false),
        ("Engine /kyuubi/alice/s-1 refId=s-1 is deleted successfully.", false),
        ("", false), ("true", false),
    ])
    func `an engine is killed only if Kyuubi says so of it`(body: String, isKilled: Bool) {
        #expect((SparkWebReplies.end(of: "s-1", Array(body.utf8)) == .killed) == isKilled)
    }

    @Test func `why an engine may run is told`() {
        func reason(_ body: String) -> String? {
            guard case .unproven(let reason) = SparkWebReplies.end(of: "s", Array(body.utf8))
            else { return nil }
            return reason
        }
        #expect(reason("Engine x refId=s is deleted successfully.")?.contains("1.10") == true)
        #expect(reason("Killed engine with A/s: (false,NO RIGHT)")?.hasSuffix("NO RIGHT") == true)
        #expect(reason("")?.contains("lists no application") == true)
    }

    @Test(arguments: [
        (HiveServer2Error.unreachable(reason: "x"), "retry"),
        (.connectionLost(reason: "x", session: .notOpened), "retry"),
        (.connectionLost(reason: "x", session: .kept), "reattach"),
        (.connectionLost(reason: "x", session: .gone), "lost"),
        (.stalled(limit: .seconds(1), session: .kept), "reattach"),
        (.stalled(limit: .seconds(1), session: .gone), "lost"),
        (.httpStatus(503, session: .kept), "reattach"),
        (.httpStatus(503, session: .notOpened), "retry"),
        (.httpStatus(401, session: .kept), "rejected"),
        (.handleLost(.operation), "lost"), (.handleLost(.session), "lost"),
        (.statement(sqlState: nil, message: "x"), "statement"),
        (.misuse(reason: "x"), "rejected"), (.untrusted(reason: "x"), "rejected"),
        (.rejected(reason: "x"), "rejected"), (.closed, "rejected"),
        (.exception(call: "x", kind: 6, message: "x"), "malformed"),
        (.malformed(call: "x", reason: "x"), "malformed"),
        (.limitExceeded(.resultRows, maximum: 1), "too large"), (.cancelled, "reattach"),
    ])
    func `errors of HiveServer2 are told by what to do`(error: HiveServer2Error, expected: String) {
        let told =
            switch SparkServerError(error) {
            case .retry: "retry"
            case .reattach: "reattach"
            case .handleLost: "lost"
            case .rejected: "rejected"
            case .statement: "statement"
            case .malformed: "malformed"
            case .tooLarge: "too large"
            }
        #expect(told == expected)
    }

    @Test func `a server out of reach is named, and no message shows the password`() async throws {
        let client = try HiveServer2Client(HiveServer2Configuration(host: "127.0.0.1", port: 1))
        let server = HiveServer2Server(
            client: client, place: "127.0.0.1:1 pa55", secrets: ["unreachable"])

        do throws(SparkServerError) {
            _ = try await server.openSession([:])
            Issue.record("somebody answered")
        } catch {
            #expect(error.description.hasPrefix("HiveServer2 ***: "))
            #expect(error.description.hasSuffix("(127.0.0.1:1 pa55)"))
        }
        #expect(
            SparkServerError(.rejected(reason: "BAD password=hunter2"))
                == .rejected(reason: "HiveServer2 refused the credentials: BAD password=***"))
        await client.shutdown()
    }

    @Test func `a handle that is none is lost, and nothing is sent`() async throws {
        let client = try HiveServer2Client(HiveServer2Configuration(host: "127.0.0.1", port: 1))
        let server = HiveServer2Server(client: client, place: "here", secrets: [])

        await #expect(throws: SparkServerError.self) { try await server.status(of: "nonsense") }
        #expect(server.name(ofSession: "nonsense") == nil)
        await client.shutdown()
    }

    @Test func `an interface that nobody serves is unavailable, and one that is not set refuses`()
        async throws
    {
        let nobody = SparkWebApplications(SparkWebEndpoints(interface: "http://127.0.0.1:1/"))
        do throws(SparkApplicationsError) {
            _ = try await nobody.activity()
            Issue.record("somebody answered")
        } catch {
            guard case .unavailable(let reason) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(reason.hasPrefix("http://127.0.0.1:1 did not answer"))
        }
        await #expect(throws: SparkApplicationsError.self) {
            try await nobody.hasApplication(ofSession: "x")
        }
        #expect(nobody.canWatch)
        #expect(!nobody.canEnd)
        try await nobody.shutdown()
    }

    @Test func `a password is never shown`() {
        let endpoints = SparkWebEndpoints(
            administration: "http://kyuubi:10099", user: "admin", password: "hunter2")

        #expect(!"\(endpoints)".contains("hunter2"))
        #expect(!String(reflecting: endpoints).contains("hunter2"))
        #expect(!"\(Mirror(reflecting: endpoints).children.map { "\($0)" })".contains("hunter2"))
    }
}
