// SPDX-License-Identifier: Apache-2.0

/// Where files may be removed: below any of these prefixes, or everywhere.
///
/// Who may write a table's metadata decides which files it names, and so which files maintenance
/// would remove with its own, wider, permissions (P-19). A path is below a prefix if it goes on
/// after whole segments of it, however either is spelled (see ``FileIdentity``); a local path that
/// climbs with `..` is below none.
public struct AllowedPrefixes: Hashable, Sendable {
    /// Nil when files may be removed everywhere.
    private let prefixes: [String]?

    /// No limits.
    public static let everywhere = AllowedPrefixes(prefixes: nil)

    private init(prefixes: [String]?) { self.prefixes = prefixes }

    /// Only below these; with none of them, nowhere.
    public init(_ prefixes: some Sequence<String>) { self.init(prefixes: Array(prefixes)) }

    /// Whether every file may be removed.
    public var isEverywhere: Bool { prefixes == nil }

    /// Whether a file may be removed.
    public func allows(_ path: String) -> Bool {
        var path = path
        return path.withUTF8 { allows(UnsafeRawBufferPointer($0)) }
    }

    /// Whether the file with this path may be removed.
    func allows(_ path: UnsafeRawBufferPointer) -> Bool {
        guard let prefixes else { return true }
        let identity = FileIdentity(path)
        return prefixes.contains { prefix in
            var prefix = prefix
            return prefix.withUTF8 { identity.isBelow(FileIdentity(UnsafeRawBufferPointer($0))) }
        }
    }
}

extension CandidateFiles {
    /// Takes the files off the list that are not below the prefixes; returns how many there were.
    @discardableResult
    public mutating func strike(outside allowed: AllowedPrefixes) -> Int {
        guard !allowed.isEverywhere else { return 0 }
        var struck = 0
        for index in allIndices where isLeft(at: index) && !isAllowed(at: index, by: allowed) {
            strike(at: index)
            struck += 1
        }
        return struck
    }

    /// How many files are not below the prefixes.
    public func count(outside allowed: AllowedPrefixes) -> Int {
        guard !allowed.isEverywhere else { return 0 }
        return allIndices.count { isLeft(at: $0) && !isAllowed(at: $0, by: allowed) }
    }

    private func isAllowed(at index: Int, by allowed: AllowedPrefixes) -> Bool {
        frozenPaths.withPath(at: index) { allowed.allows($0) }
    }
}
