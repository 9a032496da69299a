// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec
import WireFormat

/// What must stay as it was when entries are written again.
public enum EntryAspect: CaseIterable, Hashable, Sendable {
    /// Which files there are.
    case path
    /// What they hold.
    case content
    /// Which deletes apply to them, and which commits added them.
    case sequenceNumbers
    /// Under which spec they are partitioned.
    case spec
    /// In which partition they are.
    case partition
    /// What is known of their columns.
    case metrics
    /// How many rows they hold.
    case rowCount
    /// The ids of their rows.
    case rowIDs
    /// All else that is said of them.
    case details

    /// What to call it in a message.
    public var name: String {
        switch self {
        case .path: "paths"
        case .content: "contents"
        case .sequenceNumbers: "snapshot ids or sequence numbers"
        case .spec: "partition specs"
        case .partition: "partitions"
        case .metrics: "column metrics"
        case .rowCount: "record counts"
        case .rowIDs: "row ids"
        case .details: "sizes, formats or other fields"
        }
    }
}

/// The multiset of the live entries of some manifests, in a few numbers.
///
/// For each aspect it holds the multiset of pairs of a path and that aspect, so that a difference
/// tells what it is about. It knows nothing of how entries are encoded, and sees them as a reader
/// gives them.
public struct EntryDigests: Hashable, Sendable {
    private var digests: [MultisetDigest]
    /// How many rows the entries' files hold.
    public private(set) var rowCount: Int64 = 0

    /// No entry.
    public init() {
        digests = Array(repeating: MultisetDigest(), count: EntryAspect.allCases.count)
    }

    /// How many entries there are.
    public var count: Int64 { digests.first?.count ?? 0 }

    /// Adds an entry of a spec.
    public mutating func insert(_ entry: CompleteEntry, specID: Int32) {
        var path = Digest128()
        path.absorb(entry.entry.dataFile.filePath)
        for (index, aspect) in EntryAspect.allCases.enumerated() {
            var digest = path
            entry.absorb(aspect, specID: specID, into: &digest)
            digests[index].insert(digest)
        }
        rowCount &+= entry.entry.dataFile.recordCount
    }

    /// Adds every entry of another multiset.
    public mutating func formUnion(_ other: EntryDigests) {
        for index in digests.indices { digests[index].formUnion(other.digests[index]) }
        rowCount &+= other.rowCount
    }

    /// The aspects in which another multiset is not the same.
    public func aspects(differingFrom other: EntryDigests) -> [EntryAspect] {
        EntryAspect.allCases.enumerated().compactMap { index, aspect in
            digests[index] == other.digests[index] ? nil : aspect
        }
    }
}

extension CompleteEntry {
    /// Absorbs one aspect of the entry.
    func absorb(_ aspect: EntryAspect, specID: Int32, into digest: inout Digest128) {
        let file = entry.dataFile
        switch aspect {
        case .path: break
        case .content: digest.absorb(UInt64(UInt32(bitPattern: file.content.rawValue)))
        case .sequenceNumbers:
            digest.absorb(entry.snapshotID)
            digest.absorb(entry.sequenceNumber)
            digest.absorb(entry.fileSequenceNumber)
        case .spec: digest.absorb(UInt64(UInt32(bitPattern: specID)))
        case .partition: for value in partition { digest.absorb(value) }
        case .metrics: metrics.absorb(into: &digest)
        case .rowCount: digest.absorb(file.recordCount)
        case .rowIDs: digest.absorb(file.firstRowID)
        case .details:
            digest.absorb(file.fileFormat.rawValue)
            digest.absorb(file.fileSizeInBytes)
            digest.absorb(file.keyMetadata)
            digest.absorb(file.splitOffsets) { $0.absorb($1) }
            digest.absorb(file.equalityIDs) { $0.absorb(Int64($1)) }
            digest.absorb(file.sortOrderID.map { Int64($0) })
            digest.absorb(file.referencedDataFile.map { Array($0.utf8) })
            digest.absorb(file.contentOffset)
            digest.absorb(file.contentSizeInBytes)
        }
    }
}

extension ColumnMetrics {
    fileprivate func absorb(into digest: inout Digest128) {
        for counts in [columnSizes, valueCounts, nullValueCounts, nanValueCounts] {
            digest.absorb(counts) { digest, fact in
                digest.absorb(Int64(fact.id))
                digest.absorb(fact.value)
            }
        }
        for bounds in [lowerBounds, upperBounds] {
            digest.absorb(bounds) { digest, fact in
                digest.absorb(Int64(fact.id))
                digest.absorb(fact.value)
            }
        }
    }
}

extension Digest128 {
    fileprivate mutating func absorb(_ value: Int64) { absorb(UInt64(bitPattern: value)) }

    fileprivate mutating func absorb(_ value: Int64?) {
        absorb(UInt64(value == nil ? 0 : 1))
        if let value { absorb(value) }
    }

    fileprivate mutating func absorb(_ value: [UInt8]?) {
        absorb(UInt64(value == nil ? 0 : 1))
        if let value { absorb(value) }
    }

    fileprivate mutating func absorb<Element>(
        _ elements: [Element]?, _ absorbElement: (inout Digest128, Element) -> Void
    ) {
        guard let elements else { return absorb(UInt64.max) }
        absorb(UInt64(elements.count))
        for element in elements { absorbElement(&self, element) }
    }

    fileprivate mutating func absorb(_ value: PartitionValue?) {
        switch value {
        case nil: absorb(UInt64(0))
        case .boolean(let value): absorb(UInt64(value ? 2 : 1))
        case .int(let value): absorb(tag: 3, UInt64(bitPattern: Int64(value)))
        case .long(let value): absorb(tag: 4, UInt64(bitPattern: value))
        case .float(let value): absorb(tag: 5, UInt64(value.bitPattern))
        case .double(let value): absorb(tag: 6, value.bitPattern)
        case .string(let value): absorb(tag: 7, Array(value.utf8))
        case .bytes(let value): absorb(tag: 8, value)
        case .decimal(let value): absorb(tag: 9, value)
        }
    }

    private mutating func absorb(tag: UInt64, _ word: UInt64) {
        absorb(tag)
        absorb(word)
    }

    private mutating func absorb(tag: UInt64, _ bytes: [UInt8]) {
        absorb(tag)
        absorb(bytes)
    }
}
