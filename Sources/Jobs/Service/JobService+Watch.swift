// SPDX-License-Identifier: Apache-2.0

import Logging

extension JobService {
    /// The job now and after every change, until it is over; then the stream ends.
    ///
    /// It ends at once for a job that does not exist or is deleted. Changes that follow each other
    /// quickly may be seen as one. The store is looked at when a signal comes and every
    /// ``watchInterval``; an outage only delays.
    public func watch(_ id: JobID) -> AsyncStream<Job> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Job.self, bufferingPolicy: .bufferingNewest(1))
        // Not a child of the caller: it lives as long as the stream is read.
        let follower = Task {
            await follow(id, to: continuation)
            continuation.finish()
        }
        continuation.onTermination = { _ in follower.cancel() }
        return stream
    }

    private func follow(_ id: JobID, to continuation: AsyncStream<Job>.Continuation) async {
        let bell = Bell()
        let signals = await store.signals()
        // Ends with this function, which cancels it.
        let listener = Task {
            for await signal in signals {
                switch signal {
                case .jobChanged(id), .jobCancelled(id), .resync: bell.ring()
                case .jobChanged, .jobCancelled, .jobAvailable: break
                }
            }
        }
        defer { listener.cancel() }
        var last: Job?
        while !Task.isCancelled {
            do {
                guard let job = try await store.job(id, visibility: .normal) else { return }
                if job != last { continuation.yield(job) }
                if job.status.isTerminal { return }
                last = job
            } catch {
                logger.warning(
                    "watch_failed", metadata: ["job.id": "\(id)", "error": "\(error)"])
            }
            await bell.wait(atMost: Self.watchInterval, on: clock)
        }
    }
}
