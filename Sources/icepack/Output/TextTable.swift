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

    /// The same lines, so that the heading stands out on a terminal, and the rows as they should.
    static func shown(
        heading: [String], rows: [[String]], alignedRight numbers: Set<Int> = [],
        style: (_ row: Int) -> Console.Style? = { _ in nil }
    ) -> [String] {
        lines(heading: heading, rows: rows, alignedRight: numbers).enumerated().map { index, line in
            guard index > 0 else { return Console.styled(line, .bold) }
            return style(index - 1).map { Console.styled(line, $0) } ?? line
        }
    }
}
