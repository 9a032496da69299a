// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import IcebergSpec
import IcebergTable
import ObjectStorage

/// Which group of a plan is written, and which time this is.
struct GroupTurn: Hashable, Sendable {
    /// The group's place in the plan.
    let ordinal: Int
    /// How often it was tried before.
    var tries = 0
}

/// Where new data files of a table go: where Iceberg's own writers would put them.
///
/// Iceberg documentation, Object Store File Layout, for `write.object-storage.enabled`.
struct DataFileNames {
    private let folder: String
    private let hashes: Bool
    private let hasPartitionFolders: Bool
    /// What tells tables apart that share a folder outside their own.
    private let context: String?
    private let names: PartitionNames
    private let stem = UUID().uuidString.lowercased()
    private var turn = GroupTurn(ordinal: 0)
    private var count = 0

    init(_ metadata: TableMetadata) throws(Unsupported) {
        let properties = metadata.properties
        if let provider = properties["write.location-provider.impl"] {
            throw Unsupported(reason: "write.location-provider.impl is \(provider)")
        }
        do throws(UnreadableProperty) {
            hashes = try properties.bool("write.object-storage.enabled") ?? false
            hasPartitionFolders =
                try properties.bool("write.object-storage.partitioned-paths") ?? true
        } catch {
            throw Unsupported(reason: error.description)
        }
        let table = Self.trimmed(metadata.location)
        let shared = hashes ? properties["write.object-storage.path"] : nil
        let configured =
            properties["write.data.path"] ?? shared ?? properties["write.folder-storage.path"]
        folder = configured.map { Self.trimmed($0) } ?? table + "/data"
        let isOwn = folder == table || folder.hasPrefix(table + "/")
        context =
            isOwn ? nil : table.split(separator: "/").suffix(2).joined(separator: "/")
        names = PartitionNames(metadata)
    }

    private static func trimmed(_ path: String) -> String {
        var path = path[...]
        while path.count > 1, path.hasSuffix("/") { path = path.dropLast() }
        return String(path)
    }

    /// The names of a group's files, whatever other groups write at the same time, and whatever
    /// was written for it before: a file that was removed may be on its way out for a while.
    func of(_ turn: GroupTurn) -> DataFileNames {
        var names = self
        (names.turn, names.count) = (turn, 0)
        return names
    }

    /// The next file's place, which no other file has.
    mutating func next(
        in partition: PartitionKey, ending: String = ".parquet"
    ) -> Location {
        count += 1
        let name =
            "\(Self.padded(turn.ordinal))-\(turn.tries)-\(stem)-\(Self.padded(count))\(ending)"
        let folders = names.folders(of: partition)
        guard hashes else {
            return Location([folder, folders, name].filter { !$0.isEmpty }.joined(separator: "/"))
        }
        let isIncluded = hasPartitionFolders && !folders.isEmpty
        let path = isIncluded ? folders + "/" + name : name
        let hash = Self.entropy(path)
        let tail = context.map { "/\($0)/\(path)" } ?? (hasPartitionFolders ? "/" : "-") + path
        return Location("\(folder)/\(hash)\(tail)")
    }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }

    /// Twenty bits in folders of four, the last with eight.
    static func entropy(_ path: String) -> String {
        let hash = murmur3(Array(path.utf8))
        let bits = (0..<20).reversed().map { hash >> $0 & 1 == 1 ? "1" : "0" }
        return [bits[0..<4], bits[4..<8], bits[8..<12], bits[12..<20]]
            .map { $0.joined() }.joined(separator: "/")
    }

    /// Murmur3 with 32 bits and seed 0.
    static func murmur3(_ bytes: [UInt8]) -> UInt32 {
        func mixed(_ word: UInt32) -> UInt32 {
            let product = word &* 0xCC9E_2D51
            return (product << 15 | product >> 17) &* 0x1B87_3593
        }
        var hash: UInt32 = 0
        let blocks = bytes.count / 4 * 4
        for start in stride(from: 0, to: blocks, by: 4) {
            let word = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << (8 * $1) }
            hash ^= mixed(word)
            hash = (hash << 13 | hash >> 19) &* 5 &+ 0xE654_6B64
        }
        var rest: UInt32 = 0
        for (place, byte) in bytes[blocks...].enumerated() { rest |= UInt32(byte) << (8 * place) }
        hash ^= mixed(rest)
        hash ^= UInt32(truncatingIfNeeded: bytes.count)
        hash = (hash ^ hash >> 16) &* 0x85EB_CA6B
        hash = (hash ^ hash >> 13) &* 0xC2B2_AE35
        return hash ^ hash >> 16
    }
}
