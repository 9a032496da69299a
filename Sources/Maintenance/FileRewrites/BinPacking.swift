// SPDX-License-Identifier: Apache-2.0

/// Packs files into groups in their order, as Iceberg's planner does with a look-back of one.
///
/// A file goes into the open group if it fits, else the group is closed and the file opens the
/// next one. So a group passes the limit only where a single file does.
enum BinPacking {
    /// The groups, in order; none is empty.
    static func pack<Item>(
        _ items: [Item], maxBytes: Int64, maxItems: Int64, size: (Item) -> Int64
    ) -> [[Item]] {
        var groups: [[Item]] = []
        var open: [Item] = []
        var weight: Int64 = 0
        for item in items {
            let (sum, overflow) = weight.addingReportingOverflow(size(item))
            if !open.isEmpty, overflow || sum > maxBytes || Int64(open.count) >= maxItems {
                groups.append(open)
                open = []
                weight = 0
            }
            open.append(item)
            weight += size(item)
        }
        if !open.isEmpty { groups.append(open) }
        return groups
    }
}
