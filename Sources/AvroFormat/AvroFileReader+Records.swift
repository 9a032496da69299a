// SPDX-License-Identifier: Apache-2.0

/// Where reading stands in a block.
package struct AvroRecordPlace: Hashable, Sendable {
    /// How many records were read.
    package private(set) var records: Int64 = 0
    fileprivate var offset = 0

    /// The beginning of a block.
    package init() {}

    fileprivate mutating func move(to offset: Int) {
        records += 1
        self.offset = offset
    }
}

extension AvroFileReader {
    /// Hands over the records of the current block one by one, until the body says that this is
    /// enough, or the block ends.
    ///
    /// The body reads a whole record, of which every one takes at least one byte.
    ///
    /// - Parameter place: Where to begin, moved on behind what was read.
    /// - Returns: Whether the block has more records.
    /// - Throws: ``AvroFault/leftoverBytes(_:)`` unless the records take up all of the block.
    package func decodeRecords(
        from place: inout AvroRecordPlace, _ body: (inout AvroCursor) throws(AvroError) -> Bool
    ) throws(AvroError) -> Bool {
        var next = place
        var hasMore = false
        try withBlock { (count, bytes, origin) throws(AvroError) in
            // An empty block may have no address; nothing is read from the stand-in.
            var standIn: UInt8 = 0
            try withUnsafePointer(to: &standIn) { (address) throws(AvroError) in
                var cursor = AvroCursor(
                    base: bytes.baseAddress ?? UnsafeRawPointer(address), end: bytes.count,
                    position: next.offset, origin: origin)
                var isWanted = true
                while isWanted, next.records < count {
                    let before = cursor.position
                    isWanted = try body(&cursor)
                    // What takes no bytes is not bounded by those that are there.
                    guard cursor.position > before else { throw cursor.failure(.endOfData) }
                    next.move(to: cursor.position)
                }
                hasMore = next.records < count
                guard hasMore || cursor.remaining == 0 else {
                    throw cursor.failure(.leftoverBytes(cursor.remaining))
                }
            }
        }
        place = next
        return hasMore
    }
}
