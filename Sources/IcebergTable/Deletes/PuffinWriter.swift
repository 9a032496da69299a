// SPDX-License-Identifier: Apache-2.0

import RowSets
import WireFormat

/// Puts deletion vectors into a Puffin file.
///
/// Iceberg's Puffin spec, File structure and `deletion-vector-v1`: the blobs one after the other,
/// not compressed, and a footer that says where each is and of which data file.
public struct PuffinWriter: Sendable {
    /// Where a vector is in the file.
    public struct Place: Hashable, Sendable {
        /// Its first byte.
        public let offset: Int64
        /// How many bytes it has.
        public let length: Int64
    }

    private static let magic = Array("PFA1".utf8)
    /// The reserved field id of a row's position, which is what vectors are made of.
    private static let positionID = 2_147_483_645

    private var bytes = PuffinWriter.magic
    private var blobs: [JSONValue] = []
    private let createdBy: String

    /// Begins a file.
    public init(createdBy: String) { self.createdBy = createdBy }

    /// How many bytes the file has so far, its footer not counted.
    public var byteCount: Int { bytes.count }

    /// Adds the vector of a data file.
    public mutating func add(_ vector: DeletionVector, of path: String) -> Place {
        let blob = vector.blob()
        let place = Place(offset: Int64(bytes.count), length: Int64(blob.count))
        bytes += blob
        blobs.append([
            "type": "deletion-vector-v1", "fields": [.integer(Self.positionID)],
            // The snapshot that the file will be in is not known yet.
            "snapshot-id": -1, "sequence-number": -1, "offset": .integer(place.offset),
            "length": .integer(place.length),
            "properties": [
                "referenced-data-file": .string(path),
                "cardinality": .string(String(vector.positions.count)),
            ],
        ])
        return place
    }

    /// The whole file.
    public consuming func finish() -> [UInt8] {
        let footer: JSONValue = [
            "blobs": .array(blobs), "properties": ["created-by": .string(createdBy)],
        ]
        let payload = footer.bytes()
        var bytes = bytes
        bytes += Self.magic + payload
        bytes.append(littleEndian: UInt32(truncatingIfNeeded: payload.count))
        // No flag is set: the footer is not compressed.
        bytes.append(littleEndian: UInt32(0))
        return bytes + Self.magic
    }
}
