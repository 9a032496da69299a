// SPDX-License-Identifier: Apache-2.0

/// How files become others.
public enum ParquetRewriteWay: String, Hashable, Sendable, CaseIterable {
    /// Row groups byte for byte.
    case copy
    /// Pages, most of them byte for byte, into larger row groups.
    case stitch
    /// Every value decoded and encoded.
    case encode
}

/// What is known of one file before it is rewritten.
public struct ParquetRewriteFacts: Hashable, Sendable {
    /// The bytes of each row group as they are stored, of the columns that stay.
    public var rowGroupBytes: [Int64]
    /// How many rows of each row group stay, and how many there are.
    public var rowGroupRows: [(kept: Int64, all: Int64)] {
        zip(keptRows, allRows).map { (kept: $0, all: $1) }
    }
    /// How many rows of each row group stay.
    public var keptRows: [Int64]
    /// How many rows each row group has.
    public var allRows: [Int64]
    /// Whether the columns are those of the new file, with the same types, names and levels.
    public var hasTargetSchema: Bool
    /// Whether all pages are compressed as they shall be.
    public var hasWantedCodec: Bool
    /// Whether no row group lacks a bloom filter that it shall have.
    public var hasWantedFilters: Bool
    /// Why pages must not be moved, if so: mistakes of some old writers.
    public var flaw: String?

    /// Takes what is known.
    public init(
        rowGroupBytes: [Int64], keptRows: [Int64], allRows: [Int64], hasTargetSchema: Bool = true,
        hasWantedCodec: Bool = true, hasWantedFilters: Bool = true, flaw: String? = nil
    ) {
        self.rowGroupBytes = rowGroupBytes
        self.keptRows = keptRows
        self.allRows = allRows
        self.hasTargetSchema = hasTargetSchema
        self.hasWantedCodec = hasWantedCodec
        self.hasWantedFilters = hasWantedFilters
        self.flaw = flaw
    }
}

/// Which way files are rewritten, and why: a value made of sizes and counts alone.
public struct ParquetRewriteDecision: Hashable, Sendable {
    /// The way.
    public let way: ParquetRewriteWay
    /// Why that is the way, in words.
    public let reason: String

    /// Copying must leave at most this many times the row groups that stitching would.
    static let copiedGroupShare = 4.0 / 3
    /// Row groups of this size scan as fast as larger ones, and are hardly larger in all.
    static let largeGroupBytes: Int64 = 32 << 20
    /// So many times the row groups may be left if they are large.
    static let copiedLargeGroupShare = 4.0
    /// At most this share of the bytes may then lie in row groups that are not.
    static let smallGroupsShare = 0.1

    /// Decides from what is known of the files.
    public init(_ files: [ParquetRewriteFacts], settings: ParquetWriteSettings) {
        if let flaw = files.lazy.compactMap(\.flaw).first {
            self.init(way: .encode, reason: "\(flaw): every value is decoded and encoded")
            return
        }
        let groups = RewritePlan(files, settings: settings, stitching: true).groupCount
        let before = files.reduce(0) { $0 + $1.keptRows.count { $0 > 0 } }
        let deleted = files.reduce(Int64(0)) { sum, file in
            sum + zip(file.allRows, file.keptRows).reduce(0) { $0 + $1.0 - $1.1 }
        }
        if RewritePlan.divides(files, settings) {
            self.init(way: .stitch, reason: "row groups are larger than a file may be")
        } else if deleted > 0 {
            self.init(way: .stitch, reason: "\(deleted) rows are left out of the pages they are in")
        } else if files.contains(where: { !$0.hasTargetSchema }) {
            self.init(way: .stitch, reason: "columns change, and pages of the others move")
        } else if files.contains(where: { !$0.hasWantedCodec }) {
            self.init(way: .stitch, reason: "pages are compressed anew")
        } else if files.contains(where: { !$0.hasWantedFilters }) {
            self.init(way: .stitch, reason: "columns get bloom filters that they lack")
        } else if Double(before) <= Double(groups) * Self.copiedGroupShare {
            self.init(
                way: .copy,
                reason: "\(before) row groups are about as large as they shall be: stitching "
                    + "would leave \(groups)")
        } else if Double(before) <= Double(groups) * Self.copiedLargeGroupShare,
            Self.areLarge(files)
        {
            self.init(
                way: .copy,
                reason: "\(before) row groups are large enough: to make \(groups) of them would "
                    + "spare readers nothing")
        } else {
            self.init(way: .stitch, reason: "\(before) row groups become \(groups)")
        }
    }

    /// Whether nearly all bytes are in large row groups.
    private static func areLarge(_ files: [ParquetRewriteFacts]) -> Bool {
        let sizes = files.flatMap(\.rowGroupBytes)
        let small = sizes.reduce(0.0) { $0 + ($1 < largeGroupBytes ? Double($1) : 0) }
        return small <= sizes.reduce(0.0) { $0 + Double($1) } * smallGroupsShare
    }

    init(way: ParquetRewriteWay, reason: String) {
        self.way = way
        self.reason = reason
    }
}
