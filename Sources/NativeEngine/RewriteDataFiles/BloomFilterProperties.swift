// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import ParquetFormat

extension ParquetBloomFilterSettings {
    private static let prefix = "write.parquet.bloom-filter-"

    /// What a table wants of bloom filters: `write.parquet.bloom-filter-*`.
    ///
    /// Properties name columns as the table does, the settings as the files do. What is said of
    /// columns that are not there means nothing, and `ndv` is not needed: a filter is as large as
    /// its values turn out to need.
    init(
        _ properties: TableProperties, _ schema: Schema, _ target: ParquetSchema
    ) throws(UnreadableProperty) {
        self.init()
        let limit = Self.prefix + "max-bytes"
        if let bytes = try properties.int64(limit) {
            guard bytes > 0 else {
                throw UnreadableProperty(key: limit, value: String(bytes), expected: "above 0")
            }
            maximumBytes = Int(clamping: min(bytes, Int64(ParquetLimits().bloomFilterBytes)))
        }
        for column in target.columns {
            guard let id = column.fieldID, let name = schema.fullName(ofField: Int(id)) else {
                continue
            }
            let path = column.path.joined(separator: ".")
            // As Java reads it: whatever is not true is false.
            if let text = properties[Self.prefix + "enabled.column." + name] {
                columns[path] = text.lowercased() == "true" ? .written : .leftOut
            }
            let share = Self.prefix + "fpp.column." + name
            if let rate = try properties.double(share) {
                guard rate > 0, rate < 1 else {
                    throw UnreadableProperty(
                        key: share, value: String(rate), expected: "between 0 and 1")
                }
                falsePositiveRates[path] = rate
            }
        }
    }
}
