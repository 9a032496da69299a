// SPDX-License-Identifier: Apache-2.0

import Jobs
import NIOHTTP1
import TestSupport
import Testing
import WireFormat

@testable import IcepackAPI

@Suite(.timeLimit(.minutes(15))) struct JobEventTests {
    private static func open(_ id: JobID) -> String {
        "GET /jobs/\(id)/events HTTP/1.1\r\nHost: x\r\n\r\n"
    }

    @Test func `every change of a job comes as an event and the stream ends with the job`()
        async throws
    {
        try await withAPI { api in
            let id = try await api.submit()
            try await withRawConnection(to: api) { connection in
                try await connection.send(Self.open(id))
                let head = try await connection.read(until: "\r\n\r\n")
                #expect(head.contains("Content-Type: text/event-stream\r\n"))
                _ = try await connection.read(until: "\"status\":\"pending\"")

                let claim = try await api.claim()
                _ = try await connection.read(until: "\"status\":\"running\"")
                var progress = JobProgress(
                    action: "expire_snapshots", done: 1, total: 2, unit: "files")
                progress.phase = "deleting files"
                try await api.store.renew(claim, lease: .seconds(60), progress: progress)
                _ = try await connection.read(until: "\"done\":1,\"total\":2")
                try await api.store.settle(claim, as: .completed)

                let rest = try await connection.readToEnd()
                #expect(rest.contains("event: job\ndata: {\"job_id\":\"\(id)\""))
                #expect(rest.contains("\"status\":\"completed\""))
                #expect(rest.hasSuffix("\n\n\r\n0\r\n\r\n"))
            }
        }
    }

    @Test func `a job that is over gives one event`() async throws {
        try await withAPI { api in
            let id = try await api.submit()
            _ = try await api.store.cancel(id)

            let reply = try await api.send(.GET, "/jobs/\(id)/events")

            let job = try await api.job(id.rawValue)
            let json = job.json.bytes()
            let event = JobEventStream<InMemoryJobStore>.eventID(of: json)
            #expect(
                reply.text == "retry: 3000\n\nid: \(event)\nevent: job\ndata: "
                    + String(decoding: json, as: UTF8.self) + "\n\n")
        }
    }

    @Test func `a signal that is lost costs one poll`() async throws {
        // Settling through a store whose replies are lost still changes the job; the poll sees it.
        try await withAPI {
            $0.limits.eventPoll = .milliseconds(10)
        } _: { api in
            let id = try await api.submit()
            try await withRawConnection(to: api) { connection in
                try await connection.send(Self.open(id))
                _ = try await connection.read(until: "\"status\":\"pending\"")

                api.store.inject(
                    FaultPlan { call, index in
                        call == .job && index < 3 ? .beforeEffect : nil
                    })
                _ = try await api.store.cancel(id)

                #expect(try await connection.readToEnd().contains("\"status\":\"cancelled\""))
            }
        }
    }

    @Test func `a silent stream sends comments`() async throws {
        try await withAPI {
            $0.limits.eventPoll = .milliseconds(5)
            $0.limits.eventHeartbeat = .milliseconds(10)
        } _: { api in
            let id = try await api.submit()
            try await withRawConnection(to: api) { connection in
                try await connection.send(Self.open(id))
                _ = try await connection.read(until: ": still here\n\n")
                _ = try await connection.read(until: ": still here\n\n")
            }
        }
    }

    @Test func `a stream ends when its job is deleted under it`() async throws {
        try await withAPI {
            $0.limits.eventPoll = .milliseconds(10)
        } _: { api in
            let id = try await api.submit()
            try await withRawConnection(to: api) { connection in
                try await connection.send(Self.open(id))
                _ = try await connection.read(until: "\"status\":\"pending\"")
                _ = try await api.store.cancel(id)
                _ = try await api.store.softDelete(id)

                #expect(try await connection.readToEnd().hasSuffix("0\r\n\r\n"))
            }
        }
    }

    @Test func `a client that leaves makes room for another`() async throws {
        try await withAPI {
            $0.limits.maximumEventStreams = 1
        } _: { api in
            let id = try await api.submit()
            try await withRawConnection(to: api) { connection in
                try await connection.send(Self.open(id))
                _ = try await connection.read(until: "\"status\":\"pending\"")
                #expect(try await api.send(.GET, "/jobs/\(id)/events").code == "busy")
            }

            // The first client is gone; its slot comes back without a write having to fail.
            try await eventually("the slot is free") {
                try await api.send(.HEAD, "/jobs/\(id)/events").status == 200
            }
        }
    }

    @Test func `a state that the client has seen is not sent again`() async throws {
        try await withAPI { api in
            let id = try await api.submit()
            let seen = JobEventStream<InMemoryJobStore>
                .eventID(of: try await api.job(id.rawValue).json.bytes())
            try await withRawConnection(to: api) { connection in
                try await connection.send(
                    "GET /jobs/\(id)/events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: \(seen)\r\n\r\n")
                _ = try await connection.read(until: "retry: 3000\n\n")
                _ = try await api.store.cancel(id)

                let rest = try await connection.readToEnd()
                #expect(!rest.contains("\"status\":\"pending\""))
                #expect(rest.contains("\"status\":\"cancelled\""))
            }
        }
    }
}
