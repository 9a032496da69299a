// SPDX-License-Identifier: Apache-2.0

import Compression

/// What is known of the data pages of a source without decompressing them.
struct PageFacts {
    private let offsets: OffsetIndex?
    private let bounds: ColumnIndex?
    private let order: BoundsOrder?
    private var page = 0

    init(offsets: OffsetIndex?, bounds: ColumnIndex?, order: BoundsOrder?) {
        self.offsets = offsets
        self.order = order
        let isWhole = bounds?.nullPages.count == offsets?.pages.count
        self.bounds = isWhole ? bounds : nil
    }

    /// What is known of the values of the next data page.
    mutating func next(_ stored: StoredPage) -> ValueBounds? {
        let (count, _) = stored.header.dataCounts
        // An index that does not describe this very page is of no use.
        let isIndexed =
            offsets.map { page < $0.pages.count && $0.pages[page].offset == stored.offset } ?? false
        defer { if isIndexed { page += 1 } }
        return bounds(stored, count: count, isIndexed: isIndexed)
    }

    private func bounds(_ stored: StoredPage, count: Int, isIndexed: Bool) -> ValueBounds? {
        if isIndexed, let bounds {
            return ValueBounds(bounds, page: page, valueCount: Int64(count), order: order)
        }
        guard order != nil, let statistics = stored.header.statistics else { return nil }
        return ValueBounds(statistics, valueCount: Int64(count), order: order)
    }
}

extension PageHeader {
    /// How many values a data page has, nulls included, and their encoding.
    var dataCounts: (count: Int, encoding: ParquetEncoding) {
        switch kind {
        case .data(let header): (Int(header.valueCount), header.encoding)
        case .dataV2(let header): (Int(header.valueCount), header.encoding)
        case .dictionary, .index: (0, .plain)
        }
    }

    var statistics: ParquetStatistics? {
        switch kind {
        case .data(let header): header.statistics
        case .dataV2(let header): header.statistics
        case .dictionary, .index: nil
        }
    }

    /// Notes the checksum of what is stored.
    mutating func seal(_ stored: RawSpan) { checksum = crc32(stored) }

    mutating func dropStatistics() {
        switch kind {
        case .data(var header):
            header.statistics = nil
            kind = .data(header)
        case .dataV2(var header):
            header.statistics = nil
            kind = .dataV2(header)
        case .dictionary, .index: break
        }
    }
}

extension SizeStatistics {
    /// The sums, as far as all sources have them; nil if there is nothing to say.
    init?(summing parts: [SizeStatistics?]) {
        let known = parts.compactMap { $0 }
        guard known.count == parts.count, let first = known.first else { return nil }
        self = SizeStatistics()
        func sum(_ path: KeyPath<SizeStatistics, [Int64]?>) -> [Int64]? {
            guard var total = first[keyPath: path] else { return nil }
            for part in known.dropFirst() {
                guard let more = part[keyPath: path], more.count == total.count else { return nil }
                for index in total.indices { total[index] &+= more[index] }
            }
            return total
        }
        repetitionLevelHistogram = sum(\.repetitionLevelHistogram)
        definitionLevelHistogram = sum(\.definitionLevelHistogram)
        let sizes = known.compactMap(\.unencodedByteArrayBytes)
        if sizes.count == known.count { unencodedByteArrayBytes = sizes.reduce(0, &+) }
    }
}
