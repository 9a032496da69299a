// SPDX-License-Identifier: Apache-2.0

/// Which row groups of the sources become which row groups of which new files.
///
/// It is a value made from sizes and counts alone: neighbours are taken together as long as they
/// fit. What rows that are left out take is estimated by their share.
struct RewritePlan: Hashable {
    /// A row group of a source.
    struct Part: Hashable {
        let file: Int
        let rowGroup: Int
    }

    /// For each new file its row groups, each with its parts in order.
    private(set) var files: [[[Part]]] = []

    /// How many row groups there are in all.
    var groupCount: Int { files.reduce(0) { $0 + $1.count } }

    init(_ sources: [ParquetRewriteFacts], settings: ParquetWriteSettings, stitching: Bool) {
        var groups: [(parts: [Part], size: Int64)] = []
        var size: Int64 = 0
        var rows: Int64 = 0
        for (file, source) in sources.enumerated() {
            for (index, kept) in source.keptRows.enumerated() where kept > 0 {
                let all = max(source.allRows[index], 1)
                let share = Double(kept) / Double(all)
                let stored = Int64(Double(source.rowGroupBytes[index]) * share)
                let fits =
                    stitching && size + stored <= settings.rowGroupSizeBytes
                    && kept <= settings.rowGroupRowLimit - rows
                if !fits || groups.isEmpty {
                    groups.append(([], 0))
                    (size, rows) = (0, 0)
                }
                let part = Part(file: file, rowGroup: index)
                groups[groups.count - 1].parts.append(part)
                groups[groups.count - 1].size += stored
                size += stored
                rows += kept
            }
        }
        var written: Int64 = 0
        for group in groups {
            let isFull = settings.fileSizeBytes.map { written + group.size > $0 } ?? false
            if files.isEmpty || isFull && written > 0 {
                files.append([])
                written = 0
            }
            files[files.count - 1].append(group.parts)
            written += group.size
        }
    }
}
