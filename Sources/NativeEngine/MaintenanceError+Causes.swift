// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergTable
import Maintenance

extension MaintenanceError {
    /// What a catalog's refusal means for the action.
    init(_ error: CatalogError) {
        switch error {
        case .noSuchTable:
            self = .refused(code: "no_such_table", reason: error.description)
        case .unreadableTable:
            self = .unreadable(reason: error.description)
        case .unavailable:
            self = .unavailable(reason: error.description)
        case .denied:
            self = .refused(code: "catalog_denied", reason: error.description)
        }
    }

    /// What it means that reachability is unknown, and what had been done by then.
    init(_ error: ReachabilityError, sofar: String = "nothing was changed") {
        switch error {
        case .unreadable, .encrypted:
            self = .unreadable(reason: "\(sofar): \(error)")
        case .unavailable:
            self = .unavailable(reason: error.description)
        case .memory:
            self = .refused(code: "out_of_memory", reason: error.description)
        case .cancelled:
            self = .cancelled
        }
    }

    /// What it means that a commit was refused for good.
    init(_ refusal: CommitRefusal) {
        switch refusal {
        case .conflict(let reason): self = .conflict(reason: reason)
        case .unavailable(let reason): self = .unavailable(reason: reason)
        case .rejected(let reason): self = .refused(code: "commit_rejected", reason: reason)
        }
    }

    /// Stops at a cancelled task.
    static func checkCancellation() throws(MaintenanceError) {
        if Task.isCancelled { throw .cancelled }
    }
}
