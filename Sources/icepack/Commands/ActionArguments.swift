// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Maintenance
import WireFormat

/// What `submit` and `maintain` have in common: a table, actions, their options, a dry run.
struct ActionArguments: ParsableArguments {
    @Argument(help: "The table, as database.table.")
    var table: TableArgument

    @Option(name: .long, help: "An action; may be given several times.")
    var action: [String] = []

    @Option(
        name: .long,
        help: "An option as key=value; with several actions, action.key=value. Repeatable.")
    var option: [String] = []

    @Flag(name: .long, help: "Say what would be done and change nothing.")
    var dryRun = false

    func validate() throws {
        _ = try actions()
        _ = try options()
    }

    /// Whether `--dry-run` or `--option dry_run=true` was given.
    ///
    /// The latter means the whole job, also for the action whose procedure has an argument of that
    /// name.
    var isDryRun: Bool { dryRun || option.contains("dry_run=true") }

    /// The actions asked for.
    func actions() throws -> [MaintenanceAction] {
        let names = MaintenanceAction.allCases.map(\.rawValue)
        guard !action.isEmpty else {
            throw ValidationError("Name at least one --action: \(names.joined(separator: ", ")).")
        }
        return try action.map { name in
            if let action = MaintenanceAction(rawValue: name) { return action }
            let near = ClosestName.suggestion(for: name, among: names)
            let hint = near.map { "did you mean \($0)?" } ?? names.joined(separator: ", ")
            throw ValidationError("\(name) is not an action: \(hint)")
        }
    }

    /// The options of each action.
    func options() throws -> [MaintenanceAction: ActionOptions] {
        let texts = option.filter { $0 != "dry_run=true" && $0 != "dry_run=false" }
        do {
            return try ActionOptions.parsing(cli: texts, for: try actions())
        } catch let error as OptionError {
            throw ValidationError("\(error)")
        }
    }

    /// The request's body as the REST contract has it.
    func requestBody() throws -> JSONValue {
        var byAction = JSONObject()
        for (action, options) in try options() where !options.values.isEmpty {
            byAction[action.rawValue] = .object(options.values)
        }
        var body = JSONObject()
        body["actions"] = .array(action.map(JSONValue.string))
        body["dry_run"] = .bool(isDryRun)
        if !byAction.isEmpty { body["options"] = .object(byAction) }
        return .object(body)
    }
}
