// SPDX-License-Identifier: Apache-2.0

/// Durations in the words of people: `2 hours`, `90 seconds`, `1.5 seconds`.
enum TimeWording {
    /// The largest unit that needs no fraction.
    static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        guard attoseconds == 0 else {
            let tenths = Int64((duration / .milliseconds(100)).rounded())
            return "\(tenths / 10).\(abs(tenths % 10)) seconds"
        }
        for (unit, length) in [("hour", Int64(3600)), ("minute", 60)]
        where seconds >= length && seconds.isMultiple(of: length) {
            return counted(seconds / length, unit)
        }
        return counted(seconds, "second")
    }

    private static func counted(_ count: Int64, _ unit: String) -> String {
        "\(count) \(unit)\(count == 1 ? "" : "s")"
    }
}
