// SPDX-License-Identifier: Apache-2.0

/// Lays out rows in columns for people.
enum TextTable {
    /// The lines of a table with a heading, columns as wide as their widest cell.
    static func lines(heading: [String], rows: [[String]]) -> [String] {
        let all = [heading] + rows
        let widths = heading.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            let cells = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count)
            }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}
