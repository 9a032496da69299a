// SPDX-License-Identifier: Apache-2.0

import Foundation
import WireFormat

/// Follows one job to its end, through lost connections and restarts of the service.
struct JobFollower {
    let client: APIClient

    /// Streams that may break one after another before following is given up.
    static let maximumBrokenStreams = 20

    /// Shows progress until the job is over and returns the finished job.
    func follow(_ id: String) async throws -> JobView {
        var display = ProgressDisplay()
        defer { display.finish() }
        var broken = 0
        while true {
            do throws(ClientFailure) {
                var shown = display
                try await client.follow(job: id) { shown.show(JobView(json: $0)) }
                display = shown
                broken = 0
                let job = JobView(json: try await client.send(.get, "/jobs/\(id)"))
                if job.isTerminal { return job }
            } catch {
                switch error {
                case .problem(let status, _, _, _) where status < 500: throw error
                case .problem, .unreachable, .unexpected:
                    broken += 1
                    guard broken < Self.maximumBrokenStreams else { throw error }
                }
            }
            // The stream ended early: the service is restarting or at its limit of streams.
            try await Task.sleep(for: .milliseconds(min(2000, 100 << min(broken, 5))))
        }
    }
}
