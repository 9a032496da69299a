// SPDX-License-Identifier: Apache-2.0

/// Lays out rows in columns for people.
enum TextTable {
    /// The lines of a table with a heading, columns as wide as their widest cell.
    ///
    /// - Parameter numbers: The columns whose cells end below each other.
    static func lines(
        heading: [String], rows: [[String]], alignedRight numbers: Set<Int> = []
    ) -> [String] {
        let all = [heading] + rows
        let widths = heading.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            let cells = zip(row, widths).enumerated().map { column, pair in
                let (cell, width) = pair
                let room = String(repeating: " ", count: width - cell.count)
                return numbers.contains(column) ? room + cell : cell + room
            }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}
