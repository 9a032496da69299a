// SPDX-License-Identifier: Apache-2.0

import IcepackAPI
import Jobs
import Maintenance

extension QuarantineService {
    /// The same, as the API asks for it.
    func access(days: Int) -> QuarantineAccess {
        QuarantineAccess(
            days: days,
            holds: { table throws(MaintenanceError) in try await holds(of: table) },
            change: { table, change throws(JobStoreError) in
                let request: QuarantineRequest =
                    switch change {
                    case .restore(let job): .restore(job: job)
                    case .purge(let selection): .purge(selection)
                    }
                return switch try await self.change(table, request, actor: "api") {
                case .done(let numbers): .done(numbers)
                case .locked(let holder): .locked(by: holder)
                case .failed(let reason): .failed(reason: reason)
                }
            })
    }
}
