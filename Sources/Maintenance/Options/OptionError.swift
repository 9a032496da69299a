// SPDX-License-Identifier: Apache-2.0

/// An option that cannot be taken: which field, what is wrong and what to write instead.
public struct OptionError: Error, Hashable, Sendable {
    /// Why the option cannot be taken.
    public enum Reason: Hashable, Sendable {
        /// The action has no such option.
        case unknownName(nearest: String?)
        /// The value has another type, or lies outside the range.
        case badValue(expected: String, found: String)
        /// The option is given twice.
        case repeated
        /// The command line's text is not `key=value`.
        case notAnAssignment
        /// The options contradict each other.
        case contradiction(String)
    }

    /// The field's path, such as `options.expire_snapshots.retain_last`.
    public let field: String
    /// What is wrong.
    public let reason: Reason

    /// Pairs a field with a reason.
    public init(field: String, reason: Reason) {
        self.field = field
        self.reason = reason
    }
}

extension OptionError: CustomStringConvertible {
    /// A sentence for a person.
    public var description: String {
        switch reason {
        case .unknownName(let nearest?): "\(field) is not an option; did you mean \(nearest)?"
        case .unknownName(nil): "\(field) is not an option"
        case .badValue(let expected, let found): "\(field) must be \(expected), not \(found)"
        case .repeated: "\(field) is given twice"
        case .notAnAssignment: "\(field) must have the form key=value"
        case .contradiction(let text): "\(field) \(text)"
        }
    }
}
