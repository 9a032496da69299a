// SPDX-License-Identifier: Apache-2.0

/// The branches and tags of a table by name, in their order.
public struct SnapshotReferences: Hashable, Sendable, RandomAccessCollection {
    /// A reference and its name.
    public struct Element: Hashable, Sendable {
        /// The name.
        public let name: String
        /// The branch or tag.
        public let reference: SnapshotReference

        /// Pairs a name with a reference.
        public init(name: String, reference: SnapshotReference) {
            self.name = name
            self.reference = reference
        }
    }

    private let elements: [Element]
    private let index: [String: Int]

    /// Takes references whose names are unique.
    init(_ elements: [Element]) {
        self.elements = elements
        index = Dictionary(
            elements.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The first position.
    public var startIndex: Int { elements.startIndex }

    /// The position after the last.
    public var endIndex: Int { elements.endIndex }

    /// The element at a position.
    public subscript(position: Int) -> Element { elements[position] }

    /// The names in order.
    public var names: [String] { elements.map(\.name) }

    /// The reference with this name, or nil.
    ///
    /// Constant time.
    public subscript(name: String) -> SnapshotReference? {
        index[name].map { elements[$0].reference }
    }
}
