// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ParquetFormat

/// Every index of a file describes the pages that are there: where they are, with which row each
/// begins, and what its values are.
func expectSoundIndexes<Source>(_ file: ParquetFile<Source>, _ comment: String) async throws {
    for group in file.rowGroups.indices {
        for (index, column) in file.schema.columns.enumerated() {
            guard let offsets = try await file.offsetIndex(rowGroup: group, column: index) else {
                let bounds = try await file.columnIndex(rowGroup: group, column: index)
                #expect(bounds == nil, "\(comment): bounds of pages without their places")
                continue
            }
            let name = "\(comment): \(column.name) in row group \(group)"
            let pages = try await IndexedPage.all(of: file, rowGroup: group, column: index)
            try #require(offsets.pages.count == pages.count, "\(name)")
            var firstRow: Int64 = 0
            for (told, page) in zip(offsets.pages, pages) {
                #expect(told.offset == page.offset, "\(name)")
                #expect(Int(told.compressedSize) == page.size, "\(name)")
                #expect(told.firstRow == firstRow, "\(name)")
                firstRow += Int64(page.batch.rowCount)
            }
            #expect(firstRow == file.rowGroups[group].rowCount, "\(name)")
            if let bounds = try await file.columnIndex(rowGroup: group, column: index) {
                let order = BoundsOrder(column, order: file.metadata.columnOrders?[index])
                expectSound(bounds, pages, order, name)
            }
        }
    }
}

/// A data page with its values.
private struct IndexedPage {
    let offset: Int64
    let size: Int
    let batch: ColumnBatch

    static func all<Source>(
        of file: ParquetFile<Source>, rowGroup: Int, column: Int
    ) async throws -> [IndexedPage] {
        var stream = try PageStream(file, rowGroup: rowGroup, column: column)
        var reader = try ColumnReader(file, rowGroup: rowGroup, column: column)
        var pages: [IndexedPage] = []
        while let page = try await stream.next() {
            if case .dictionary = page.header.kind { continue }
            let batch = try #require(try await reader.next())
            // Some writers make pages without values, which no index lists.
            guard batch.count > 0 else { continue }
            pages.append(
                IndexedPage(
                    offset: page.offset, size: page.headerRange.count + page.payloadRange.count,
                    batch: batch))
        }
        return pages
    }
}

extension BoundsOrder {
    /// The order in which zeros of both signs are one.
    fileprivate var lenient: BoundsOrder {
        if case .totalFloating(let width) = self { return .floating(width: width) }
        return self
    }
}

private func expectSound(
    _ index: ColumnIndex, _ pages: [IndexedPage], _ order: BoundsOrder?, _ name: String
) {
    #expect(index.nullPages.count == pages.count, "\(name)")
    var previous: ([UInt8], [UInt8])?
    for (number, page) in pages.enumerated() {
        let values = page.batch.values
        let nulls = Int64(page.batch.count - values.count)
        #expect(index.nullPages[number] == (values.count == 0), "\(name), page \(number)")
        if let counts = index.nullCounts {
            // Empty lists are nulls to some writers and not to others.
            #expect(
                counts[number] == nulls || page.batch.repetitionLevels.count > 0,
                "\(name), page \(number)")
        }
        guard let order, values.count > 0 else { continue }
        var scan = ValueScan(order)
        scan.add(values, 0..<values.count)
        let known = scan.result(nullCount: nulls)
        if let counts = index.nanCounts {
            #expect(counts[number] == known.nanCount, "\(name), page \(number)")
        }
        guard let bounds = known.bounds else { continue }
        guard order.isValid(index.minimums[number]), order.isValid(index.maximums[number]) else {
            Issue.record("\(name), page \(number): a bound is none")
            continue
        }
        // Writers differ in the signs of zeros.
        let told = order.lenient.widened(index.minimums[number], index.maximums[number])
        #expect(!order.isLess(bounds.minimum, told.0), "\(name), page \(number)")
        #expect(!order.isLess(told.1, bounds.maximum), "\(name), page \(number)")
        if let previous {
            switch index.boundaryOrder {
            case .unordered: break
            case .ascending:
                #expect(!order.isLess(told.0, previous.0), "\(name)")
                #expect(!order.isLess(told.1, previous.1), "\(name)")
            case .descending:
                #expect(!order.isLess(previous.0, told.0), "\(name)")
                #expect(!order.isLess(previous.1, told.1), "\(name)")
            }
        }
        previous = told
    }
}

/// What the footer says of levels and byte strings is so.
func expectSoundSizes(
    _ chunk: ColumnMetadata, _ batch: ColumnBatch, _ column: ParquetColumn, _ comment: String
) {
    guard let sizes = chunk.sizeStatistics else { return }
    if let bytes = sizes.unencodedByteArrayBytes {
        #expect(bytes == Int64(batch.values.byteCount), "\(comment): \(column.name)")
    }
    for (told, levels, maximum) in [
        (sizes.repetitionLevelHistogram, batch.repetitionLevels, column.maximumRepetitionLevel),
        (sizes.definitionLevelHistogram, batch.definitionLevels, column.maximumDefinitionLevel),
    ] {
        guard let told, !told.isEmpty else { continue }
        var counted = [Int64](repeating: 0, count: maximum + 1)
        for level in levels { counted[Int(level)] += 1 }
        if levels.isEmpty { counted[0] = Int64(batch.count) }
        #expect(told == counted, "\(comment): \(column.name)")
    }
}
