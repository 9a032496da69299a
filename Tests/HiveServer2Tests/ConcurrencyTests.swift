// SPDX-License-Identifier: Apache-2.0

import HiveServer2
import TestSupport
import Testing

@testable import HiveServer2

/// Calls beside one another, calls that are left, and the end of the client.
@Suite struct ConcurrencyTests {
    private static let forms = [FakeServer.Form.plain, .sasl, .http]

    @Test(arguments: forms)
    func `an operation is cancelled while its status is waited for`(
        form: FakeServer.Form
    ) async throws {
        let isAsked = Signal()
        let isCancelled = Signal()
        let log = CallLog()
        try await FakeServer.scripted(form) { call in
            log.note(call)
            switch call.method {
            case "GetOperationStatus":
                isAsked.set()
                try await isCancelled.wait("the cancellation arrives")
                return .reply(Replies.status(call.sequence, state: 3))
            case "CancelOperation":
                isCancelled.set()
                return FakeServer.sound(call)
            default: return FakeServer.sound(call)
            }
        }.serving { server in
            let client = try server.client(form)
            let session = try await client.openSession()
            let operation = try await client.execute("SELECT 1", in: session)

            async let status = client.status(of: operation)
            try await isAsked.wait("the status is asked for")
            try await client.cancel(operation)

            #expect(try await status.state == .canceled)
            try await client.closeSession(session)
            await client.shutdown()
            if form != .http {
                // The session's own connection, but for the cancellation.
                #expect(log.all.map(\.connection) == [0, 0, 0, 1, 0])
            }
        }
    }

    @Test(arguments: forms)
    func `a cancelled task leaves its call at once, and the client as it was`(
        form: FakeServer.Form
    ) async throws {
        let isAsked = Signal()
        let mayAnswer = Signal()
        let log = CallLog()
        try await FakeServer.scripted(form) { call in
            log.note(call)
            if call.method == "GetOperationStatus", !log.methods.contains("CancelOperation") {
                isAsked.set()
                try await mayAnswer.wait("the answer is wanted")
            }
            return FakeServer.sound(call)
        }.serving { server in
            let client = try server.client(form)
            let session = try await client.openSession()
            let operation = try await client.execute("SELECT 1", in: session)
            let waiting = Task { try await client.status(of: operation) }
            try await isAsked.wait("the status is asked for")

            waiting.cancel()
            let outcome = await waiting.result
            try await client.cancel(operation)
            mayAnswer.set()

            #expect(throws: HiveServer2Error.cancelled) { try outcome.get() }
            #expect(HiveServer2Error.cancelled.remedy == .reattach)
            // Once the late answer has come, the session's own connection serves again.
            try await eventually("the session's connection is used again") {
                _ = try await client.status(of: operation)
                return form == .http || log.all.last?.connection == 0
            }
            try await client.closeSession(session)
            await client.shutdown()
        }
    }

    @Test(arguments: forms)
    func `a session that opens after its task was cancelled is closed`(
        form: FakeServer.Form
    ) async throws {
        let isAsked = Signal()
        let mayAnswer = Signal()
        let log = CallLog()
        try await FakeServer.scripted(form) { call in
            log.note(call)
            if call.method == "OpenSession" {
                isAsked.set()
                try await mayAnswer.wait("the answer is wanted")
            }
            return FakeServer.sound(call)
        }.serving { server in
            let client = try server.client(form)
            let opening = Task { try await client.openSession() }
            try await isAsked.wait("the session is asked for")

            opening.cancel()
            let outcome = await opening.result
            mayAnswer.set()

            #expect(throws: HiveServer2Error.cancelled) { try outcome.get() }
            try await eventually("the session is closed") {
                log.methods == ["OpenSession", "CloseSession"]
            }
            await client.shutdown()
        }
    }

    @Test(arguments: forms)
    func `shutting down ends what is under way, and nothing is sent afterwards`(
        form: FakeServer.Form
    ) async throws {
        let isAsked = Signal()
        try await FakeServer.scripted(form) { call in
            guard call.method == "GetOperationStatus" else { return FakeServer.sound(call) }
            isAsked.set()
            return .rawThenStall([])
        }.serving { server in
            let client = try server.client(form)
            let session = try await client.openSession()
            let operation = try await client.execute("SELECT 1", in: session)
            let waiting = Task { try await client.status(of: operation) }
            try await isAsked.wait("the status is asked for")

            await client.shutdown()
            await client.shutdown()

            let outcome = await waiting.result
            #expect(throws: HiveServer2Error.closed) { try outcome.get() }
            await #expect(throws: HiveServer2Error.closed) { try await client.openSession() }
            await #expect(throws: HiveServer2Error.closed) {
                try await client.status(of: operation)
            }
        }
    }

    @Test(arguments: forms)
    func `a client that is let go of shuts itself down`(form: FakeServer.Form) async throws {
        try await FakeServer.scripted(form) { FakeServer.sound($0) }.serving { server in
            var client: HiveServer2Client? = try server.client(form)
            weak let reference = client
            _ = try await client?.openSession()

            client = nil

            try await eventually("it is gone") { reference == nil }
        }
    }

    @Test(arguments: [FakeServer.Form.plain, .sasl])
    func `each session has its own connection, and its end harms no other`(
        form: FakeServer.Form
    ) async throws {
        let log = CallLog()
        try await FakeServer.scripted(form) { call in
            log.note(call)
            return FakeServer.sound(call)
        }.serving { server in
            let client = try server.client(form)
            let restored = try #require(OperationHandle(text: Replies.operation.text))

            let session = try await client.openSession()
            // The handle of a session that this client did not open: over a connection of its own.
            _ = try await client.status(of: restored)
            _ = try await client.execute("SELECT 1", in: session)
            await client.shutdown()

            #expect(log.all.map(\.connection) == [0, 1, 0])
        }
    }

    @Test func `bytes that nobody asked for end the session`() async throws {
        try await FakeServer.scripted(.plain) { call in
            guard case .reply(let message) = FakeServer.sound(call) else { return .cut }
            return call.method == "ExecuteStatement"
                ? .replyAnd(message, more: [1]) : .reply(message)
        }.serving { server in
            let client = try server.client(.plain)
            let session = try await client.openSession()

            await #expect(throws: HiveServer2Error.self) {
                let operation = try await client.execute("SELECT 1", in: session)
                try await eventually("the session has ended") {
                    _ = try await client.status(of: operation)
                    return false
                }
            }
            await client.shutdown()
        }
    }
}
