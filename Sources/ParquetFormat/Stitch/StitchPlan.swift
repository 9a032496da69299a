// SPDX-License-Identifier: Apache-2.0

/// Which row groups of the sources become one row group of the new file.
///
/// It is a value made from sizes and counts alone: neighbours are taken together as long as they
/// fit. A row group that stays alone is copied.
struct StitchPlan: Hashable {
    /// A row group of a source.
    struct Part: Hashable {
        let file: Int
        let rowGroup: Int
    }

    /// The parts of each new row group, in order.
    private(set) var groups: [[Part]] = []

    init(_ files: [[RowGroup]], settings: ParquetWriteSettings) {
        var parts: [Part] = []
        var size: Int64 = 0
        var rows: Int64 = 0
        for (file, rowGroups) in files.enumerated() {
            for (index, group) in rowGroups.enumerated() where group.rowCount > 0 {
                let fits =
                    size + group.storedSize <= settings.rowGroupSizeBytes
                    && group.rowCount <= settings.rowGroupRowLimit - rows
                if !fits, !parts.isEmpty {
                    groups.append(parts)
                    (parts, size, rows) = ([], 0, 0)
                }
                parts.append(Part(file: file, rowGroup: index))
                size += group.storedSize
                rows += group.rowCount
            }
        }
        if !parts.isEmpty { groups.append(parts) }
    }
}
