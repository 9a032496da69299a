// SPDX-License-Identifier: Apache-2.0

/// Why updates cannot be applied to a table.
///
/// Nothing was changed.
///
/// All mean that the plan does not fit the table as it is: load it again and plan again.
public enum TableUpdateError: Error, Hashable, Sendable {
    /// An update names something that is not in the table.
    case notFound(what: String)
    /// An update adds something that is in the table already.
    case alreadyExists(what: String)
    /// The current snapshot, the current schema, the default partition spec and the main branch
    /// cannot be removed.
    case inUse(what: String, by: String)
    /// A new snapshot, reference or property cannot be what it says.
    case invalid(what: String, reason: String)
    /// A property that decides about the change cannot be read.
    case property(UnreadableProperty)
    /// The result is not valid metadata.
    case invalidResult(TableMetadataError)
}

extension TableUpdateError: CustomStringConvertible {
    /// The text form, for logs and messages.
    public var description: String {
        switch self {
        case .notFound(let what): "the table has no \(what)"
        case .alreadyExists(let what): "the table has \(what) already"
        case .inUse(let what, let user): "\(what) is in use by \(user) and cannot be removed"
        case .invalid(let what, let reason): "\(what) \(reason)"
        case .property(let error): error.description
        case .invalidResult(let error): "after the change, \(error)"
        }
    }
}
