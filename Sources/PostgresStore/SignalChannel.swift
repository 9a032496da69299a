// SPDX-License-Identifier: Apache-2.0

import Jobs

/// How signals travel as notifications: one channel for each kind, the job as the payload.
enum SignalChannel: String, CaseIterable {
    case available = "icepack_jobs"
    case cancelled = "icepack_cancelled"
    case changed = "icepack_changed"
    /// More has happened than is worth telling.
    case resync = "icepack_resync"

    /// The notification that carries a signal.
    static func notification(for signal: JobSignal) -> (channel: SignalChannel, payload: String) {
        switch signal {
        case .jobAvailable: (.available, "")
        case .jobCancelled(let job): (.cancelled, job.rawValue)
        case .jobChanged(let job): (.changed, job.rawValue)
        case .resync: (.resync, "")
        }
    }

    /// The signal that a notification carries; `resync` if it is none of ours, since somebody
    /// meant something by it.
    static func signal(channel: String, payload: String) -> JobSignal {
        guard let channel = SignalChannel(rawValue: channel) else { return .resync }
        switch channel {
        case .available: return .jobAvailable
        case .cancelled: return JobID(payload).map { .jobCancelled($0) } ?? .resync
        case .changed: return JobID(payload).map { .jobChanged($0) } ?? .resync
        case .resync: return .resync
        }
    }
}
