// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import ObjectStorage
import RowSets

/// A deletion vector in a Puffin file that is being written.
///
/// Iceberg spec, Deletion Vectors.
struct PuffinVector {
    private let path: String
    private let count: Int
    private let place: PuffinWriter.Place

    /// Adds the vector of a data file.
    init(
        of path: String, positions: RowPositions, addedTo puffin: inout PuffinWriter
    ) throws(DeletionVectorError) {
        let vector = try DeletionVector(positions: positions)
        self.path = path
        count = vector.positions.count
        place = puffin.add(vector, of: path)
    }

    /// The vector as a manifest has it.
    func dataFile(at location: Location, fileSize: Int64) -> DataFile {
        var file = DataFile(
            content: .positionDeletes, filePath: location.rawValue, fileFormat: .puffin,
            recordCount: Int64(count), fileSizeInBytes: fileSize)
        file.referencedDataFile = path
        file.contentOffset = place.offset
        file.contentSizeInBytes = place.length
        return file
    }
}
