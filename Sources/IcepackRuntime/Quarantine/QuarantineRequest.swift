// SPDX-License-Identifier: Apache-2.0

public import Maintenance
public import WireFormat

/// A change to a table's quarantine, as the job system carries it: a job of one action whose name
/// is none of the five.
///
/// As a job it holds the table's lock, is fenced, shows in the history, and is finished by another
/// worker if its own dies.
public enum QuarantineRequest: Hashable, Sendable {
    /// Brings back the files of a job.
    case restore(job: String)
    /// Removes files for good.
    case purge(QuarantineSelection)

    private static let restoreName = "restore_quarantine"
    private static let purgeName = "purge_quarantine"

    /// The action's name in the job.
    public var action: String {
        switch self {
        case .restore: Self.restoreName
        case .purge: Self.purgeName
        }
    }

    /// The action's options in the job.
    public var options: JSONValue {
        switch self {
        case .restore(let job), .purge(.job(let job)): ["job_id": .string(job)]
        case .purge(.all): ["all": true]
        case .purge(.movedBefore(let time)): ["moved_before": .string(time.description)]
        }
    }

    /// Reads a job's action; nil if it is about something else, or says nothing that could be
    /// carried out.
    public init?(action: String, options: JSONValue) {
        let object = options.objectValue ?? JSONObject()
        let job = object["job_id"]?.stringValue
        switch action {
        case Self.restoreName:
            guard let job else { return nil }
            self = .restore(job: job)
        case Self.purgeName:
            if let job {
                self = .purge(.job(job))
            } else if object["all"] == true {
                self = .purge(.all)
            } else if let time = object["moved_before"]?.stringValue.flatMap(
                Timestamp.init(iso8601:))
            {
                self = .purge(.movedBefore(time))
            } else {
                return nil
            }
        default: return nil
        }
    }
}
