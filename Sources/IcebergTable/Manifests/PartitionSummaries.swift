// SPDX-License-Identifier: Apache-2.0

import IcebergSpec

/// Summarises the partitions of a manifest for its row in the manifest list.
///
/// Iceberg spec, Manifest Lists, `field_summary`.
struct PartitionSummaries: Sendable {
    private struct Field: Sendable {
        var containsNull = false
        var containsNaN = false
        var lower: PartitionValue?
        var upper: PartitionValue?
    }

    private var fields: [Field]

    init(fieldCount: Int) { fields = Array(repeating: Field(), count: fieldCount) }

    /// Takes in one tuple, which has a value or a null for every field.
    mutating func add(_ partition: [PartitionValue?]) {
        for (index, value) in partition.enumerated() where index < fields.count {
            guard let value else {
                fields[index].containsNull = true
                continue
            }
            guard !value.isNaN else {
                fields[index].containsNaN = true
                continue
            }
            if fields[index].lower.map({ value.precedes($0) }) ?? true {
                fields[index].lower = value
            }
            if fields[index].upper.map({ $0.precedes(value) }) ?? true {
                fields[index].upper = value
            }
        }
    }

    /// The summaries in the order of the fields.
    var summaries: [PartitionFieldSummary] {
        fields.map { field in
            PartitionFieldSummary(
                containsNull: field.containsNull, containsNaN: field.containsNaN,
                lowerBound: field.lower?.serialized, upperBound: field.upper?.serialized)
        }
    }
}
