// SPDX-License-Identifier: Apache-2.0

/// When a call that changes nothing is made again.
enum RESTRetry {
    /// The pause before the next try, or nil for none.
    ///
    /// The pause is drawn from a span that doubles, so that clients which met once do not meet
    /// again; a server that names its own time is given it, if it is not too long.
    static func pause(
        after failure: RESTFailure, tries: Int, using random: inout some RandomNumberGenerator
    ) -> Duration? {
        guard tries < RESTLimits.tries, failure.isPassing else { return nil }
        if case .refused(let refusal) = failure {
            // A fault inside the server is not known to pass in a moment.
            guard refusal.status != 500 else { return nil }
            if let wanted = refusal.retryAfter {
                return wanted <= RESTLimits.longestRetryAfter ? wanted : nil
            }
        }
        return spread(RESTLimits.firstPause * (1 << (tries - 1)), using: &random)
    }

    /// Half of a span to the whole of it.
    static func spread(
        _ span: Duration, using random: inout some RandomNumberGenerator
    ) -> Duration {
        span * Double.random(in: 0.5...1, using: &random)
    }
}
