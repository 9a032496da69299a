// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// Dates as HTTP headers spell them: `Wed, 21 Oct 2015 07:28:00 GMT`.
enum HTTPDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Milliseconds since the epoch; nil for any other text.
    static func milliseconds(_ text: String) -> Int64? {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[5] == "GMT" || parts[5] == "UTC",
            let month = months.firstIndex(of: String(parts[2]))
        else { return nil }
        let number = month + 1 < 10 ? "0\(month + 1)" : "\(month + 1)"
        let day = parts[1].count == 1 ? "0\(parts[1])" : String(parts[1])
        return Timestamp(iso8601: "\(parts[3])-\(number)-\(day)T\(parts[4])Z")?.milliseconds
    }
}
