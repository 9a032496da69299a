// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// A second in UTC as signatures spell it: `20150830T123600Z`.
public struct SigningTime: Hashable, Sendable, CustomStringConvertible {
    /// The text form, for `x-amz-date`.
    public let description: String

    /// The day alone: `20150830`.
    public var day: String { String(description.prefix(8)) }

    /// Takes milliseconds since the epoch, before the year 10000.
    public init(millisecondsSinceEpoch milliseconds: Int64) {
        let text = Timestamp(milliseconds: milliseconds).description
        // Without the punctuation and what is past the seconds.
        description = text.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
    }
}
