// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// The order in which a job runs its actions, whatever the order in the request.
public struct ActionOrder: Hashable, Sendable {
    /// All five, first to last.
    public let actions: [MaintenanceAction]

    /// Removes before it merges: the default.
    public static let cleanupFirst = ActionOrder(trusted: [
        .expireSnapshots, .removeOrphanFiles, .rewriteDataFiles, .rewritePositionDeleteFiles,
        .rewriteManifests,
    ])

    /// Merges before it removes, so that what merging orphans goes in the same job.
    public static let compactFirst = ActionOrder(trusted: [
        .rewriteDataFiles, .rewritePositionDeleteFiles, .expireSnapshots, .rewriteManifests,
        .removeOrphanFiles,
    ])

    private init(trusted actions: [MaintenanceAction]) { self.actions = actions }

    /// Reads `cleanup-first`, `compact-first`, or a comma-separated list of all five.
    ///
    /// - Throws: ``InvalidActionOrder``, which says what the list lacks or has too much of.
    public init(_ text: String) throws(InvalidActionOrder) {
        switch text {
        case "cleanup-first": self = .cleanupFirst
        case "compact-first": self = .compactFirst
        default: try self.init(list: text)
        }
    }

    private init(list text: String) throws(InvalidActionOrder) {
        var actions: [MaintenanceAction] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let name = String(part.filter { $0 != " " })
            guard let action = MaintenanceAction(rawValue: name) else {
                let names =
                    MaintenanceAction.allCases.map(\.rawValue) + ["cleanup-first", "compact-first"]
                throw .unknown(name, nearest: ClosestName.suggestion(for: name, among: names))
            }
            guard !actions.contains(action) else { throw .repeated(action) }
            actions.append(action)
        }
        let missing = MaintenanceAction.allCases.filter { !actions.contains($0) }
        guard missing.isEmpty else { throw .missing(missing) }
        self.init(trusted: actions)
    }

    /// These actions in this order, each once.
    public func sorted(_ wanted: some Sequence<MaintenanceAction>) -> [MaintenanceAction] {
        let set = Set(wanted)
        return actions.filter(set.contains)
    }
}

/// Why a text is no order of the five actions.
public enum InvalidActionOrder: Error, Hashable, Sendable {
    /// Neither a preset nor an action.
    case unknown(String, nearest: String?)
    /// An action stands in the list twice.
    case repeated(MaintenanceAction)
    /// The list lacks these.
    case missing([MaintenanceAction])
}

extension InvalidActionOrder: CustomStringConvertible {
    /// A sentence for a person.
    public var description: String {
        switch self {
        case .unknown(let name, let nearest?):
            "\(name) is neither an action nor a preset; did you mean \(nearest)?"
        case .unknown(let name, nil):
            "\(name) is neither an action nor one of the presets cleanup-first, compact-first"
        case .repeated(let action): "\(action.rawValue) stands in the list twice"
        case .missing(let actions):
            "the list lacks \(actions.map(\.rawValue).joined(separator: ", "))"
        }
    }
}
