// SPDX-License-Identifier: Apache-2.0

/// Finds the name that somebody probably meant.
public enum ClosestName {
    /// The candidate with the fewest edits to a misspelt name, or nil when none is near enough
    /// (within a third of its length, at least two edits) to be worth suggesting.
    ///
    /// `-` and `_` count as the same character, because options use one and arguments the other.
    public static func suggestion(for name: String, among candidates: some Sequence<String>)
        -> String?
    {
        let wanted = folded(name)
        let scored = candidates.map { (distance(wanted, folded($0)), $0) }
        guard let best = scored.min(by: { ($0.0, $0.1) < ($1.0, $1.1) }) else { return nil }
        return best.0 <= max(2, best.1.count / 3) ? best.1 : nil
    }

    private static func folded(_ name: String) -> [UInt8] {
        // Names longer than this are no misspelling, and the distance is quadratic.
        name.lowercased().utf8.prefix(128).map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }
    }

    /// Levenshtein distance, one row at a time.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (index, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let substitution = diagonal + (byte == right[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(substitution, diagonal + 1, row[column] + 1)
            }
        }
        return row[right.count]
    }
}
