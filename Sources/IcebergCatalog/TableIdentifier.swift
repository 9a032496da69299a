// SPDX-License-Identifier: Apache-2.0

/// A table in a catalog: the levels of its namespace and its name.
public struct TableIdentifier: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The levels, outermost first.
    public let namespace: [String]
    /// The table's own name.
    public let name: String

    /// Pairs a namespace with a name.
    public init(namespace: [String], name: String) {
        self.namespace = namespace
        self.name = name
    }

    /// The text form, for logs and messages.
    public var description: String { (namespace + [name]).joined(separator: ".") }

    /// A total order, so that lists of them are stable.
    public static func < (left: TableIdentifier, right: TableIdentifier) -> Bool {
        left.namespace == right.namespace
            ? left.name < right.name : left.namespace.lexicographicallyPrecedes(right.namespace)
    }
}
