// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec

/// Why files cannot be rewritten as asked; says what to change.
public enum RewriteRefusal: Error, Hashable, Sendable {
    /// Settings contradict each other.
    case contradiction(String)
    /// A table property that decides cannot be read.
    case property(UnreadableProperty)
    /// The branch is not there.
    case unknownBranch(String)
    /// The condition in `where` is not understood, or does not fit the table.
    case condition(ConditionError)
    /// The order in `sort_order` is not understood, or does not fit the table.
    case sortOrder(ConditionError)
    /// Rows are to be sorted, and nobody says by what.
    case unsorted
    /// The partition spec is not there.
    case unknownSpec(Int, known: [Int])
}

extension RewriteRefusal: CustomStringConvertible {
    /// A sentence for a person.
    public var description: String {
        switch self {
        case .contradiction(let text): text
        case .property(let error): error.description
        case .unknownBranch(let name):
            "the table has no branch \(name); name one of its branches, or leave the option out"
        case .condition(let error): "where \(error)"
        case .sortOrder(let error): "sort_order \(error)"
        case .unsorted:
            "the table has no sort order of its own; give one in sort_order, or leave out strategy "
                + "sort"
        case .unknownSpec(let id, let known):
            "the table has no partition spec \(id); output-spec-id must be one of "
                + known.map(String.init).joined(separator: ", ")
        }
    }
}
