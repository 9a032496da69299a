// SPDX-License-Identifier: Apache-2.0

extension ColumnStitcher {
    /// Makes the filter of those of the sources, if they tell enough apart: then no value needs to
    /// be looked at.
    ///
    /// Values that are left out stay in it, as they stay in dictionaries. Converted values are
    /// hashed otherwise, so that they are looked at.
    mutating func joinFilters() async throws(Failure) {
        guard let builder = filter else { return }
        var joined: SplitBlockFilter?
        for part in parts {
            guard let source = part.source, part.projection.isByPage,
                part.projection.conversion == .none
            else { return }
            let stored: SplitBlockFilter?
            do {
                stored = try await part.file.storedBloomFilter(
                    rowGroup: part.rowGroup, column: source, atMost: PageBody.largeSize)
            } catch { throw Failure(error) }
            guard let stored else { return }
            if joined == nil { joined = stored } else { joined?.join(stored) }
        }
        guard let whole = joined.flatMap(builder.accepted) else { return }
        (joinedFilter, filter) = (whole, nil)
    }
}
