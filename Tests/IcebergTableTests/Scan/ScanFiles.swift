// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import WireFormat

/// Tests over files of a table with a spec without fields, 0, and others with one field, `day`.
protocol ScanFiles {}

extension ScanFiles {
    static func spec(_ id: Int, _ transform: String = "identity") -> JSONValue {
        [
            "spec-id": .integer(id),
            "fields": [
                [
                    "name": "day", "field-id": .integer(999 + id), "source-id": 1,
                    "transform": .string(transform),
                ]
            ],
        ]
    }

    static func allSpecs(_ partitioned: [JSONValue]) -> [PartitionSpec] {
        let bare: JSONValue = ["spec-id": 0, "fields": []]
        return (partitioned + [bare]).compactMap { try? PartitionSpec($0) }
    }

    func key(_ day: Int64?, spec: Int = 1) -> PartitionKey {
        PartitionKey(
            specID: spec,
            tuple: spec == 0 ? .empty : PartitionTuple([day.map { .integer($0) }]))
    }

    func data(_ path: String, at age: Int64, in partition: PartitionKey) -> LiveFile {
        LiveFile(
            path: path, recordCount: 100, sizeInBytes: 10, partition: partition,
            dataSequenceNumber: age, ordinal: 0)
    }

    func delete(
        _ content: DataFileContent, at age: Int64, in partition: PartitionKey,
        of path: String? = nil, format: FileFormat = .parquet, records: Int64 = 10,
        ordinal: Int64 = 0
    ) -> LiveFile {
        var file = LiveFile(
            content: content, path: "delete-\(age)-\(ordinal)", format: format,
            recordCount: records, sizeInBytes: 5, partition: partition, dataSequenceNumber: age,
            ordinal: ordinal)
        file.referencedDataFile = path
        return file
    }
}
