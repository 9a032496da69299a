// SPDX-License-Identifier: Apache-2.0

import Jobs
import Maintenance
import WireFormat

/// The body of a submission or a plan request, checked.
struct MaintenanceRequest: Sendable {
    /// Each action once, in execution order.
    let actions: [MaintenanceAction]
    let isDryRun: Bool
    /// The options, by action, as the engine takes them.
    let options: [MaintenanceAction: ActionOptions]
    /// The same as the store keeps them; null when none were given.
    let storedOptions: JSONValue
    /// The body with the members of every object sorted: what an idempotency key stands for.
    let canonicalBody: JSONValue

    private static let fields = ["actions", "dry_run", "options"]

    init(_ object: JSONObject, order: ActionOrder) throws(APIFailure) {
        for key in object.keys where !Self.fields.contains(key) {
            throw .problem(Self.unknownField(key))
        }
        let named = try Self.names(in: object["actions"])
        isDryRun = try Self.flag("dry_run", in: object)
        var wanted: Set<MaintenanceAction> = []
        guard !named.isEmpty else {
            throw .problem(
                Problem(.emptyActions, "actions must name at least one action: \(Self.choices).")
                    .about(field: "actions"))
        }
        for name in named { wanted.insert(try Self.action(name)) }
        actions = order.sorted(wanted)
        do throws(OptionError) {
            options = try ActionOptions.validating(request: object["options"] ?? .null)
        } catch {
            throw .problem(Problem(error))
        }
        storedOptions = Self.stored(options)
        canonicalBody = JSONValue.object(object).sortedByKey
    }

    /// What the engine router is asked for one of the actions.
    func routed(_ action: MaintenanceAction) -> RoutedAction {
        RoutedAction(action, options: options[action] ?? .none, isDryRun: isDryRun)
    }

    private static func names(in value: JSONValue?) throws(APIFailure) -> [String] {
        guard let value else {
            throw .problem(
                Problem(
                    .invalidField, "The field actions is missing; name one or more of \(choices)."
                )
                .about(field: "actions"))
        }
        guard let elements = value.arrayValue else {
            throw .problem(
                Problem(
                    .invalidField, "actions must be an array of strings, not \(value.kindName)."
                )
                .about(field: "actions"))
        }
        var names: [String] = []
        for (index, element) in elements.enumerated() {
            guard let name = element.stringValue else {
                throw .problem(
                    Problem(
                        .invalidField,
                        "actions[\(index)] must be a string, not \(element.kindName)."
                    ).about(field: "actions[\(index)]"))
            }
            names.append(name)
        }
        return names
    }

    private static func flag(_ key: String, in object: JSONObject) throws(APIFailure) -> Bool {
        guard let value = object[key] else { return false }
        guard let flag = value.boolValue else {
            throw .problem(
                Problem(.invalidField, "\(key) must be true or false, not \(value.kindName).")
                    .about(field: key))
        }
        return flag
    }

    private static func action(_ name: String) throws(APIFailure) -> MaintenanceAction {
        if let action = MaintenanceAction(rawValue: name) { return action }
        let all = MaintenanceAction.allCases.map(\.rawValue)
        let nearest = ClosestName.suggestion(for: name, among: all)
        let advice = nearest.map { "Did you mean \($0)?" } ?? "There are \(choices)."
        let problem = Problem(
            .unknownAction, "There is no action \(name.prefix(64)). \(advice)"
        ).about(field: "actions")
        throw .problem(nearest.map { problem.with("suggestion", .string($0)) } ?? problem)
    }

    private static func unknownField(_ key: String) -> Problem {
        let nearest = ClosestName.suggestion(for: key, among: fields)
        let advice =
            nearest.map { "Did you mean \($0)?" } ?? "There are \(fields.joined(separator: ", "))."
        let problem = Problem(.unknownField, "There is no field \(key.prefix(64)). \(advice)")
            .about(field: key)
        return nearest.map { problem.with("suggestion", .string($0)) } ?? problem
    }

    private static var choices: String {
        MaintenanceAction.allCases.map(\.rawValue).joined(separator: ", ")
    }

    private static func stored(_ options: [MaintenanceAction: ActionOptions]) -> JSONValue {
        var object = JSONObject()
        for action in MaintenanceAction.allCases {
            guard let values = options[action]?.values, !values.isEmpty else { continue }
            object[action.rawValue] = .object(values)
        }
        return object.isEmpty ? .null : .object(object)
    }
}

extension Problem {
    /// An option that cannot be taken.
    init(_ error: OptionError) {
        let text = error.description
        let problem = Problem(Self.code(of: error), text.hasSuffix("?") ? text : "\(text).")
            .about(field: error.field)
        if case .unknownName(let nearest?) = error.reason {
            self = problem.with("suggestion", .string(nearest))
        } else {
            self = problem
        }
    }

    private static func code(of error: OptionError) -> ProblemCode {
        switch error.reason {
        case .unknownName: .unknownOption
        case .badValue, .repeated, .notAnAssignment, .contradiction: .invalidOption
        }
    }
}

extension JSONValue {
    /// The same value with the members of every object in the order of their keys.
    var sortedByKey: JSONValue {
        switch self {
        case .object(let object):
            .object(
                JSONObject(
                    object.members
                        .map { .init(key: $0.key, value: $0.value.sortedByKey) }
                        .sorted { $0.key < $1.key }))
        case .array(let elements): .array(elements.map(\.sortedByKey))
        case .null, .bool, .number, .string: self
        }
    }
}
