// SPDX-License-Identifier: Apache-2.0

/// Why a condition is not understood, or does not fit a table; says what to change.
public struct ConditionError: Error, Hashable, Sendable {
    /// What is wrong, and what to write instead.
    public let reason: String
    /// The place in the condition, in characters from 1; nil where no single one is to blame.
    public let position: Int?

    init(_ reason: String, at position: Int? = nil) {
        self.reason = reason
        self.position = position
    }
}

extension ConditionError: CustomStringConvertible {
    /// What follows the option's name in a sentence for a person.
    public var description: String {
        position.map { "\(reason), at character \($0)" } ?? reason
    }
}
