// SPDX-License-Identifier: Apache-2.0

import ParquetFormat

/// How much memory the rewrite of a group may take, and how much it does at once.
///
/// Of what memory is allowed one half is for reading and putting together, a quarter for the
/// deletes of groups, which are held twice while they are merged, and a quarter for the keys of
/// equality deletes, for which groups take turns.
struct RewriteLimits: Hashable, Sendable {
    /// How many groups are rewritten at once, which divide memory among themselves.
    let groups: Int
    /// What reading and putting together may take.
    let workBytes: Int64
    /// What the deletes of a group may take.
    let deleteBytes: Int
    /// What the keys of equality deletes may take that are looked up at once; as much again may be
    /// kept for other groups.
    let keyBytes: Int
    /// How many files are opened at once.
    let width: Int
    /// How many columns or files of a group are worked on at once.
    let parallelism: Int
    /// What copies of stored files may take on the local disk, where there is that much room.
    var stagedBytes: Int64
    /// Where temporary files go.
    let temporaryFolder: String

    /// What `max-concurrent-file-group-rewrites` is where nobody says anything.
    private static let usualGroups = 5
    /// With less memory for each, groups with large pages would take more than they may.
    private static let bytesOfUsualGroup = 256 << 20
    /// Whatever is asked for: what a file that is written to S3 in parts holds, with its reading.
    private static let bytesOfAnyGroup = 64 << 20

    /// - Parameters:
    ///   - groupCount: How many groups there are.
    ///   - mostAtOnce: `max-concurrent-file-group-rewrites`. Where nobody says anything it is 5,
    ///     but no more than there are processors, nor than memory has room for with 256 MiB for
    ///     each; what is asked for gets 64 MiB for each.
    init(_ settings: NativeEngineSettings, groupCount: Int = 1, mostAtOnce: Int? = nil) {
        let memory = settings.memoryBytes
        let usual = min(Self.usualGroups, settings.processors, memory / Self.bytesOfUsualGroup)
        let most = mostAtOnce.map { min($0, memory / Self.bytesOfAnyGroup) } ?? usual
        groups = max(1, min(groupCount, most))
        // A run of one group does with what it has beside another.
        let share = max(2, groups)
        workBytes = Int64(memory / 2 / share)
        deleteBytes = memory / 8 / groups
        keyBytes = memory / 8
        width = max(1, settings.readWidth / groups)
        parallelism = max(1, min(Self.mostParallelism, settings.processors / groups))
        stagedBytes = Self.mostStagedBytes / Int64(groups)
        temporaryFolder = settings.temporaryFolder
    }

    /// More would need more memory: each has a window of its sources, a dictionary and a page.
    private static let mostParallelism = 2
    private static let mostStagedBytes: Int64 = 16 << 30

    private static let usualRequestBytes: Int64 = 8 << 20
    /// Up to so many bytes a request mostly waits, and more of them go well at once.
    static let smallRequestBytes: Int64 = 2 << 20

    /// How much of a file is asked for at once.
    var requestBytes: Int64 {
        max(Self.smallRequestBytes, min(Self.usualRequestBytes, workBytes / 16))
    }

    /// How many such requests there are at once.
    var requests: Int { atOnce(width / 2, of: requestBytes) }

    /// How many small requests there are at once.
    var smallRequests: Int { atOnce(2 * width, of: Self.smallRequestBytes) }

    private func atOnce(_ count: Int, of bytes: Int64) -> Int {
        max(1, min(count, Int(workBytes / 2 / bytes)))
    }

    /// What rows may take that are being sorted.
    var sortBytes: Int { Int(workBytes / 4) }

    /// What the values of a row group may take that are being put together to rows.
    var spoolBytes: Int { Int(workBytes / 8) }

    /// What sorted rows may take that are handed to the writer at once.
    var blockBytes: Int { max(1, min(4 << 20, Int(workBytes / 32))) }

    /// The most deleted rows whose positions are held at eight bytes each, as those of a row group
    /// are while it is written.
    var expandedDeletes: Int { deleteBytes / MemoryLayout<Int64>.size }

    /// How much of each column of a row group is read from a temporary file at once.
    func spoolBufferBytes(columns: Int) -> Int {
        min(64 << 10, max(1 << 10, spoolBytes / max(columns, 1)))
    }

    /// How many rows are compared at once that are in another order: eight bytes are kept of each.
    var proofRows: Int { max(1 << 10, Int(workBytes / 4) / MemoryLayout<UInt64>.size) }
}
