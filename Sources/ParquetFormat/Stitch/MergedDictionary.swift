// SPDX-License-Identifier: Apache-2.0

/// The dictionary of a new chunk, and where the values of each source's dictionary are in it.
struct MergedDictionary {
    /// What becomes of the pages of a source that are positions in its dictionary.
    enum Use {
        /// Positions stay what they are: the source's dictionary is the front of the new one.
        case same
        /// A position becomes another.
        case remapped([UInt32])
        /// The values are written plain.
        case gathered
    }

    /// The dictionary page's values, plain; empty if no source has one that is merged.
    private(set) var plain: [UInt8] = []
    private(set) var entries = DictionaryEntries()
    var count: Int { entries.count }
    /// One for each source.
    private(set) var uses: [Use]

    /// - Parameters:
    ///   - mappings: Where the values of each source are; nil for those that are not merged.
    ///   - coveredValues: Of about how many values the merged dictionary is the dictionary.
    init(_ merger: DictionaryMerger, mappings: [[UInt32]?], coveredValues: Double) {
        uses = mappings.map { mapping in
            guard let mapping else { return .gathered }
            let isSame = mapping.enumerated().allSatisfy { $0.offset == Int($0.element) }
            return isSame ? .same : .remapped(mapping)
        }
        // A dictionary of values that hardly ever repeat only adds positions to them, and positions
        // in an empty one, of nothing but nulls, are refused by readers if its page is left out.
        let repeats =
            Self.paysOff(merger.count, covered: coveredValues) || mappings.count == 1
        guard merger.count > 0, repeats else {
            uses = mappings.map { _ in .gathered }
            return
        }
        plain = merger.plain
        entries = merger.entries
    }

    /// Whether so many different values repeat enough, for all values that a dictionary covers.
    static func paysOff(_ count: Int, covered: Double) -> Bool {
        Double(count) * 3 <= covered * 2
    }
}
