// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import ObjectStorage

/// Table metadata without data: enough for catalogs, which look no further.
struct SampleTable {
    var location: Location
    static let uuid = "9c12d441-03fe-4693-9a96-a0705ddf69c1"
    var snapshots: [Int64] = [1, 2, 3]
    var properties: [String: String] = [:]
    var previousFiles: [String] = []

    var bytes: [UInt8] {
        let snapshots = snapshots.enumerated().map { index, id in
            """
            {"snapshot-id":\(id),"sequence-number":\(index + 1),"timestamp-ms":\(1000 + index),
             "manifest-list":"\(location)/metadata/snap-\(id).avro",
             "summary":{"operation":"append"},"schema-id":0}
            """
        }
        let log = previousFiles.map { #"{"timestamp-ms":900,"metadata-file":"\#($0)"}"# }
        let texts = properties.sorted { $0.key < $1.key }.map { #""\#($0.key)":"\#($0.value)""# }
        return Array(
            """
            {"format-version":2,"table-uuid":"\(Self.uuid)","location":"\(location)",
             "last-sequence-number":\(snapshots.count),"last-updated-ms":2000,"last-column-id":1,
             "schemas":[{"type":"struct","schema-id":0,"fields":[
               {"id":1,"name":"x","required":false,"type":"long"}]}],"current-schema-id":0,
             "partition-specs":[{"spec-id":0,"fields":[]}],"default-spec-id":0,
             "last-partition-id":999,"sort-orders":[{"order-id":0,"fields":[]}],
             "default-sort-order-id":0,"properties":{\(texts.joined(separator: ","))},
             "current-snapshot-id":\(self.snapshots.last.map(String.init) ?? "null"),
             "snapshots":[\(snapshots.joined(separator: ","))],"snapshot-log":[],
             "metadata-log":[\(log.joined(separator: ","))],"refs":{}}
            """.utf8)
    }

    /// Where a catalog with pointers has the first metadata file.
    var firstFile: Location {
        location.appending("metadata/00000-5d9111ed-e56c-4ceb-9040-09d3be71926b.metadata.json")
    }
}

extension TableIdentifier {
    /// From a text such as `a.b.table`.
    init(_ text: String) {
        let parts = text.split(separator: ".").map(String.init)
        self.init(namespace: Array(parts.dropLast()), name: parts.last ?? "")
    }
}
