// SPDX-License-Identifier: Apache-2.0

/// What definition levels of one path become on another path to the same field.
///
/// Only optional and repeated nodes have levels. Repeated nodes correspond in their order, optional
/// ones by their ids. A node that is optional on one side only was always there in the source, or
/// must always have been.
struct LevelMap: Hashable {
    /// For each level of the source, that of the target; nil for one that the target cannot say.
    let definitions: [UInt8?]

    private struct Mark: Hashable {
        let isRepeated: Bool
        let id: Int32?
    }

    /// Nil if the paths do not repeat equally often.
    init?(from source: [SchemaNode], to target: [SchemaNode]) {
        let mine = Self.marks(source)
        let theirs = Self.marks(target)
        guard mine.count(where: \.isRepeated) == theirs.count(where: \.isRepeated) else {
            return nil
        }
        let matches = Self.matches(mine, theirs)
        let matched = Set(matches.compactMap { $0 })
        definitions = (0...mine.count).map { level -> UInt8? in
            guard level == mine.count || matched.contains(level) else { return nil }
            let defined = matches.prefix { match in match.map { $0 < level } ?? true }
            return UInt8(defined.count)
        }
    }

    var isIdentity: Bool {
        definitions.enumerated().allSatisfy { $0.element == UInt8($0.offset) }
    }

    private static func marks(_ path: [SchemaNode]) -> [Mark] {
        path.filter { $0.repetition != .required }.map {
            Mark(isRepeated: $0.repetition == .repeated, id: $0.fieldID)
        }
    }

    /// For each node of the target, its node in the source.
    private static func matches(_ source: [Mark], _ target: [Mark]) -> [Int?] {
        var matches: [Int?] = []
        var next = 0
        for mark in target {
            let rest = source[next...]
            let found: Int?
            if mark.isRepeated {
                found = rest.firstIndex { $0.isRepeated }
            } else {
                let end = rest.firstIndex { $0.isRepeated } ?? source.endIndex
                found = source[next..<end].firstIndex { $0.id == mark.id }
            }
            matches.append(found)
            if let found { next = found + 1 }
        }
        return matches
    }

    /// The levels of the target.
    func map(_ levels: [UInt8], _ column: ParquetColumn) throws(ParquetError) -> [UInt8] {
        var mapped: [UInt8] = []
        mapped.reserveCapacity(levels.count)
        for level in levels {
            guard let new = definitions[Int(level)] else {
                throw .incompatible(
                    reason: "\(column.name) is required, and a file has a null for it")
            }
            mapped.append(new)
        }
        return mapped
    }
}

extension ParquetSchema {
    /// The nodes from below the root to a node, itself included.
    func nodes(to node: Int) -> [SchemaNode] {
        var found: [SchemaNode] = []
        var next: Int? = node
        while let index = next, let parent = nodes[index].parent {
            found.append(nodes[index])
            next = parent
        }
        return found.reversed()
    }
}
