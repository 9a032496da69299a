// SPDX-License-Identifier: Apache-2.0

import Digests
import HTTPTypes
import Hummingbird
import Jobs
import Logging
import NIOCore
import ServiceLifecycle
import WireFormat

extension APIHandlers {
    /// `GET /jobs/{job_id}/events`: the job on every change, as server-sent events.
    ///
    /// A client that comes back after the end with the last event's id gets 204, which tells a
    /// browser's `EventSource` to stop coming back.
    func followJob(_ request: APIRequest) async throws(APIFailure) -> Response {
        let id = try request.jobID()
        _ = try QueryParameters(request, allowing: [])
        let job = try await existing(id, request)
        let seen = request.headers[.lastEventID]
        if job.status.isTerminal, seen == JobEventStream<Store>.eventID(of: job.json.bytes()) {
            return Response(status: .noContent)
        }
        guard let slot = streams.take() else {
            throw .problem(
                Problem(
                    .busy,
                    "\(limits.maximumEventStreams) event streams are open; poll GET /jobs/\(id) "
                        + "instead."))
        }
        let stream = JobEventStream(
            store: store, jobID: id, limits: limits, seenEventID: seen, logger: request.logger,
            slot: slot)
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/event-stream",
                // The connection carried a stream without a known end.
                .connection: "close",
            ],
            body: ResponseBody { writer in
                try await stream.run(body: request.body, writer: &writer)
                try await writer.finish(nil)
            })
    }
}

/// One client's view of one job until it is over.
///
/// Signals only say when to look; a poll looks as well, so a lost signal costs time and nothing
/// else. It ends at a terminal status, when the job is deleted, when the client goes, and when the
/// server is told to stop.
struct JobEventStream<Store: JobStore>: Sendable {
    let store: Store
    let jobID: JobID
    let limits: APILimits
    /// The last event that the client had before it came back.
    let seenEventID: String?
    let logger: Logger
    /// Held as long as the stream can run.
    let slot: SlotLimiter.Slot

    @concurrent
    func run(body: RequestBody, writer: inout any ResponseBodyWriter) async throws {
        let (looks, look) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        // Before the first look, so that no change falls between the two.
        let signals = await store.signals()
        look.yield()
        try await withTaskCancellationOrGracefulShutdownHandler {
            try await body.consumeWithInboundCloseHandler { _ in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await relay(signals, to: look) }
                    group.addTask { await tick(look) }
                    try await follow(looks, writer: &writer)
                    group.cancelAll()
                }
            } onInboundClosed: {
                look.finish()
            }
        } onCancelOrGracefulShutdown: {
            look.finish()
        }
    }

    private func relay(
        _ signals: AsyncStream<JobSignal>, to look: AsyncStream<Void>.Continuation
    ) async {
        for await signal in signals {
            switch signal {
            case .jobChanged(jobID), .jobCancelled(jobID), .resync: look.yield()
            case .jobAvailable, .jobChanged, .jobCancelled: break
            }
        }
    }

    private func tick(_ look: AsyncStream<Void>.Continuation) async {
        while !Task.isCancelled {
            // Only cancellation ends a sleep early; the loop's condition sees it.
            do { try await Task.sleep(for: limits.eventPoll) } catch { return }
            look.yield()
        }
    }

    @concurrent
    private func follow(
        _ looks: AsyncStream<Void>, writer: inout any ResponseBodyWriter
    ) async throws {
        var lastID = seenEventID
        var lastWrite = ContinuousClock.now
        try await writer.write(ByteBuffer(string: "retry: 3000\n\n"))
        for await _ in looks {
            switch await current() {
            case .gone: return
            case .unreachable: break
            case .job(let job):
                let json = job.json.bytes()
                let id = Self.eventID(of: json)
                if id != lastID {
                    try await writer.write(Self.event(id: id, json: json))
                    (lastID, lastWrite) = (id, .now)
                }
                if job.status.isTerminal { return }
            }
            // A poll early rather than late, so that silence never exceeds the heartbeat.
            if lastWrite.duration(to: .now) >= limits.eventHeartbeat - limits.eventPoll {
                try await writer.write(ByteBuffer(string: ": still here\n\n"))
                lastWrite = .now
            }
        }
    }

    private enum Look {
        case job(Job)
        case gone
        case unreachable
    }

    private func current() async -> Look {
        do throws(JobStoreError) {
            return try await store.job(jobID, visibility: .normal).map(Look.job) ?? .gone
        } catch {
            logger.warning("event stream: store", metadata: ["reason": "\(error)"])
            switch error {
            case .unavailable, .outcomeUnknown: return .unreachable
            case .corrupt, .fenced: return .gone
            }
        }
    }

    /// Says which state of the job an event shows: the same state has the same id anywhere.
    static func eventID(of json: [UInt8]) -> String {
        Hexadecimal.text(MessageDigest.sha256.hash(json).prefix(8))
    }

    private static func event(id: String, json: [UInt8]) -> ByteBuffer {
        var buffer = ByteBuffer(string: "id: \(id)\nevent: job\ndata: ")
        buffer.writeBytes(json)
        buffer.writeString("\n\n")
        return buffer
    }
}
