// SPDX-License-Identifier: Apache-2.0

/// Which row groups of the sources become which row groups of which new files.
///
/// It is a value made from sizes and counts alone: neighbours are taken together as long as they
/// fit, and row groups that are too large for a file are divided. What rows that are left out take
/// is estimated by their share.
struct RewritePlan: Hashable {
    /// A row group of a source, or some of its rows.
    struct Part: Hashable {
        let file: Int
        let rowGroup: Int
        /// Which of the rows that stay, counted from the first of them; nil for all.
        var rows: Range<Int64>?
    }

    /// What is taken as a whole.
    private struct Piece {
        let part: Part
        let rowCount: Int64
        /// How many rows of its row group it does not have.
        let leftOut: Int64
        let size: Int64
    }

    /// For each new file its row groups, each with its parts in order.
    private(set) var files: [[[Part]]] = []

    /// How many row groups there are in all.
    var groupCount: Int { files.reduce(0) { $0 + $1.count } }

    init(_ sources: [ParquetRewriteFacts], settings: ParquetWriteSettings, stitching: Bool) {
        // A file does not end within a row group.
        let limit = min(settings.rowGroupSizeBytes, settings.fileSizeBytes ?? .max)
        var groups: [(parts: [Part], size: Int64)] = []
        var size: Int64 = 0
        var rows: Int64 = 0
        var leftOut: Int64 = 0
        for (file, source) in sources.enumerated() {
            for piece in Self.pieces(of: source, file, settings, dividing: stitching) {
                let fits =
                    stitching && size + piece.size <= limit
                    && piece.rowCount <= settings.rowGroupRowLimit - rows
                    && piece.leftOut <= ParquetWriteSettings.leftOutRowLimit - leftOut
                if !fits || groups.isEmpty {
                    groups.append(([], 0))
                    (size, rows, leftOut) = (0, 0, 0)
                }
                groups[groups.count - 1].parts.append(piece.part)
                groups[groups.count - 1].size += piece.size
                size += piece.size
                rows += piece.rowCount
                leftOut += piece.leftOut
            }
        }
        var written: Int64 = 0
        for group in groups {
            let isFull = settings.isFull(fileOf: written, beforeMore: group.size)
            if files.isEmpty || isFull && written > 0 {
                files.append([])
                written = 0
            }
            files[files.count - 1].append(group.parts)
            written += group.size
        }
    }

    /// Whether each new file has the row groups of one source, all of them and no others.
    func repeatsFiles(of sources: [ParquetRewriteFacts]) -> Bool {
        guard files.count == sources.count, sources.allSatisfy({ $0.keptRows == $0.allRows })
        else { return false }
        return files.enumerated().allSatisfy { file, groups in
            let kept = sources[file].keptRows.indices.filter { sources[file].keptRows[$0] > 0 }
            return groups == kept.map { [Part(file: file, rowGroup: $0)] }
        }
    }

    /// Whether a row group is divided among files.
    static func divides(_ sources: [ParquetRewriteFacts], _ settings: ParquetWriteSettings) -> Bool
    {
        sources.enumerated().contains { file, source in
            pieces(of: source, file, settings, dividing: true).contains { $0.part.rows != nil }
        }
    }

    private static func pieces(
        of source: ParquetRewriteFacts, _ file: Int, _ settings: ParquetWriteSettings,
        dividing: Bool
    ) -> [Piece] {
        var pieces: [Piece] = []
        for (index, kept) in source.keptRows.enumerated() where kept > 0 {
            let all = source.allRows[index]
            let stored = Int64(
                Double(source.rowGroupBytes[index]) * (Double(kept) / Double(max(all, 1))))
            let count = dividing ? settings.fileCount(of: stored, rows: all, kept: kept) : 1
            for place in 0..<count {
                // No row group that is divided has so many rows that this overflows.
                let rows = kept * place / count..<kept * (place + 1) / count
                let part = Part(file: file, rowGroup: index, rows: count > 1 ? rows : nil)
                let rowCount = count > 1 ? Int64(rows.count) : kept
                pieces.append(
                    Piece(
                        part: part, rowCount: rowCount, leftOut: all - rowCount,
                        size: stored / count))
            }
        }
        return pieces
    }
}

extension ParquetWriteSettings {
    /// Whether a file of some size ends before a row group of another.
    fileprivate func isFull(fileOf written: Int64, beforeMore size: Int64) -> Bool {
        guard let fileSizeBytes, written + size > fileSizeBytes else { return false }
        return written >= smallestFileBytes
            || written + size > max(fileSizeBytes, largestFileBytes ?? 0)
    }

    /// Among how many files a row group is divided.
    fileprivate func fileCount(of size: Int64, rows: Int64, kept: Int64) -> Int64 {
        guard let fileSizeBytes, let largestFileBytes, fileSizeBytes > 0,
            size > max(fileSizeBytes, largestFileBytes), rows <= Self.dividedRowLimit
        else { return 1 }
        let count = size / fileSizeBytes + (size % fileSizeBytes > 0 ? 1 : 0)
        return min(kept, count, Self.dividedFileLimit)
    }
}
