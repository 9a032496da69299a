// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog

/// The name of a metadata file in the Hadoop layout: `v12.metadata.json`, or one of two spellings
/// for compressed ones.
struct VersionFileName: Hashable, Comparable, Sendable {
    let version: Int
    let spelling: Spelling

    /// In the order in which readers look for them.
    enum Spelling: Int, CaseIterable, Sendable {
        case plain
        case gzip
        /// What Iceberg before 0.9 wrote.
        case legacyGzip

        var suffix: String {
            switch self {
            case .plain: MetadataCompression.none.suffix
            case .gzip: MetadataCompression.gzip.suffix
            case .legacyGzip: ".metadata.json.gz"
            }
        }
    }

    /// The largest version: what Java's 32-bit counter holds.
    static let maximumVersion = Int(Int32.max)

    init(version: Int, spelling: Spelling) {
        self.version = version
        self.spelling = spelling
    }

    init(version: Int, _ compression: MetadataCompression) {
        switch compression {
        case .none: self.init(version: version, spelling: .plain)
        case .gzip: self.init(version: version, spelling: .gzip)
        }
    }

    /// Nil for every other name, also for `v012.metadata.json`, which no reader would look for.
    init?(_ name: String) {
        guard name.utf8.first == UInt8(ascii: "v") else { return nil }
        let digits = name.utf8.dropFirst().prefix { (0x30...0x39).contains($0) }
        guard let version = Int(Substring(digits)), version <= Self.maximumVersion,
            String(version) == Substring(digits)
        else { return nil }
        let suffix = String(Substring(name.utf8.dropFirst(1 + digits.count)))
        guard let spelling = Spelling.allCases.first(where: { $0.suffix == suffix }) else {
            return nil
        }
        self.init(version: version, spelling: spelling)
    }

    var text: String { "v\(version)\(spelling.suffix)" }

    /// By version; of one version, the one that readers find first is the greatest.
    static func < (left: VersionFileName, right: VersionFileName) -> Bool {
        left.version == right.version
            ? left.spelling.rawValue > right.spelling.rawValue : left.version < right.version
    }
}
