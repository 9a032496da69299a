// SPDX-License-Identifier: Apache-2.0

/// A page of positions whose values take so much more than the page that they are handed out in
/// parts: a few kilobytes may stand for gigabytes of texts.
struct UnfoldedPage {
    /// The levels of all values.
    private let levels: ColumnBatch
    private let positions: [UInt32]
    private let dictionary: ColumnValues
    private let column: ParquetColumn
    private var nextEntry = 0
    private var nextPosition = 0

    /// About how many bytes the values of a part take; a value alone may take more.
    static let partBytes = PageBody.largeSize

    /// - Parameter positions: Those of the values that are not null, each in the dictionary.
    /// - Throws: What says so when all values together take more than the limit.
    init(
        _ levels: ColumnBatch, _ positions: [UInt32], of dictionary: ColumnValues,
        _ column: ParquetColumn, limit: Int
    ) throws(DecodeFault) {
        self.levels = levels
        self.positions = positions
        self.dictionary = dictionary
        self.column = column
        try Self.check(positions, limit: limit) { dictionary.byteCount(Int($0)) }
    }

    /// Refuses positions whose values together take more than a limit.
    static func check(
        _ positions: [UInt32], limit: Int, size: (UInt32) -> Int
    ) throws(DecodeFault) {
        var sum = 0
        for position in positions {
            sum += size(position)
            guard sum <= limit else {
                throw .tooLarge(part: "what a page stands for", size: sum, limit: limit)
            }
        }
    }

    /// The next part, or nil after the last.
    mutating func next(_ decoder: ValueDecoder) throws(DecodeFault) -> ColumnBatch? {
        guard nextEntry < levels.count else { return nil }
        let (entry, position) = (nextEntry, nextPosition)
        let maximum = UInt8(column.maximumDefinitionLevel)
        var bytes = 0
        while nextEntry < levels.count, bytes < Self.partBytes {
            let isPresent =
                levels.definitionLevels.isEmpty
                || levels.definitionLevels[nextEntry] == maximum
            if isPresent {
                bytes += dictionary.byteCount(Int(positions[nextPosition]))
                nextPosition += 1
            }
            nextEntry += 1
        }
        var part = ColumnBatch(for: column)
        part.count = nextEntry - entry
        if !levels.definitionLevels.isEmpty {
            part.definitionLevels = Array(levels.definitionLevels[entry..<nextEntry])
        }
        if !levels.repetitionLevels.isEmpty {
            part.repetitionLevels = Array(levels.repetitionLevels[entry..<nextEntry])
        }
        try decoder.gather(Array(positions[position..<nextPosition]), into: &part.values)
        return part
    }
}

extension ColumnValues {
    /// The bytes that a value of as many as it needs takes; 0 for numbers.
    func byteCount(_ index: Int) -> Int {
        switch self {
        case .boolean, .int32, .int64, .float, .double: 0
        case .int96(let values), .fixedLengthByteArray(let values): values.width
        case .byteArray(let values): values.range(at: index).count
        }
    }
}
