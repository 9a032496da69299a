// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Maintenance
import WireFormat

/// A group that is left as it is, and why.
struct RefusedGroup: Hashable, Sendable {
    let partition: String
    let files: Int
    let bytes: Int64
    let reason: String
    /// What to do about it.
    var remedy = advice

    var json: JSONValue {
        [
            "partition": .string(partition), "files": .integer(files), "bytes": .integer(bytes),
            "reason": .string(reason),
        ]
    }

    /// A sentence for a person.
    var sentence: String {
        let place = partition.isEmpty ? "the table" : "partition \(partition)"
        return "\(ReportWording.count(files, "file")) of \(place) \(files == 1 ? "was" : "were") "
            + "left as \(files == 1 ? "it is" : "they are"), because \(reason)"
    }

    /// What to do about most of them.
    static let advice =
        "the Spark engine can rewrite what is left: run the action with engine spark"
}

extension RefusedGroup {
    init(
        _ group: FileGroup, of names: PartitionNames, because reason: String,
        remedy: String = advice
    ) {
        self.init(
            partition: names.name(of: group.partition), files: group.files.count,
            bytes: group.bytes, reason: reason, remedy: remedy)
    }

    /// Divides groups into those that are rewritten and those that are left.
    ///
    /// - Parameter problem: Why a group is left; nil if it is rewritten.
    static func screen(
        _ groups: [FileGroup], of names: PartitionNames,
        problem: (FileGroup) throws(MaintenanceError) -> String?
    ) throws(MaintenanceError) -> (good: [FileGroup], refused: [RefusedGroup]) {
        var good: [FileGroup] = []
        var refused: [RefusedGroup] = []
        for group in groups {
            try MaintenanceError.checkCancellation()
            if let reason = try problem(group) {
                refused.append(RefusedGroup(group, of: names, because: reason))
            } else {
                good.append(group)
            }
        }
        return (good, refused)
    }
}
