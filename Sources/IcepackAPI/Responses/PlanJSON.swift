// SPDX-License-Identifier: Apache-2.0

import Jobs
package import Maintenance
package import WireFormat

extension ActionPlan {
    /// The plan as dry runs and plan requests show it: what it was computed against, whether
    /// there is anything to do, then the numbers of the action.
    package var json: JSONValue {
        var object = JSONObject([
            .init(key: "snapshot_id", value: snapshotID.map { .integer($0) } ?? .null),
            .init(key: "has_work", value: .bool(hasWork)),
        ])
        for member in summary.members { object[member.key] = member.value }
        return .object(object)
    }
}
