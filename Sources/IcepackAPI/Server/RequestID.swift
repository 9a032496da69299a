// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Jobs

/// The `X-Request-Id` of a request: the client's own when it is valid, else a new one.
enum RequestID {
    /// The most characters that are echoed.
    static let maximumLength = 128

    static func of(_ headers: HTTPFields) -> String {
        let values = headers[values: .requestID]
        guard values.count == 1, let value = values.first, isValid(value) else { return random() }
        return value
    }

    /// Whether a text is 1 to 128 visible ASCII characters, which are safe in logs and headers.
    static func isValid(_ text: String) -> Bool {
        (1...maximumLength).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    static func random() -> String { JobID.random().rawValue }
}
