// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
public import WireFormat

/// The validated options of one action; null members are left out.
public struct ActionOptions: Hashable, Sendable {
    /// The options by their published names, in the request's order.
    public let values: JSONObject

    /// Takes options that are known to be valid.
    package init(validated values: JSONObject) { self.values = values }

    /// No options.
    public static let none = ActionOptions(validated: JSONObject())

    /// Checks an action's options as a request gives them.
    ///
    /// That is an object by published names, with JSON's own types, or `null` for no options.
    ///
    /// - Throws: ``OptionError`` for the first name that the action does not have, the first
    ///   value of another type or outside its range, or options that contradict each other.
    public static func validating(
        _ value: JSONValue, for action: MaintenanceAction
    ) throws(OptionError) -> ActionOptions {
        let field = "options.\(action.rawValue)"
        if value.isNull { return .none }
        guard let object = value.objectValue else {
            throw OptionError(
                field: field, reason: .badValue(expected: "an object", found: value.kindName))
        }
        let declarations = action.declarations
        var checked = JSONObject()
        for member in object.members {
            let path = "\(field).\(member.key)"
            guard let declaration = declarations.first(where: { $0.name == member.key }) else {
                throw unknown(member.key, at: path, among: declarations)
            }
            if member.value.isNull { continue }
            checked[member.key] = try declaration.type.checking(member.value, at: path)
        }
        let options = ActionOptions(validated: checked)
        try options.checkConsistency(of: action, at: field)
        return options
    }

    /// Checks the `options` of a whole request: an object by action name; `null` is none.
    ///
    /// - Throws: ``OptionError`` also for an action that is no action.
    public static func validating(
        request value: JSONValue
    ) throws(OptionError) -> [MaintenanceAction: ActionOptions] {
        if value.isNull { return [:] }
        guard let object = value.objectValue else {
            throw OptionError(
                field: "options", reason: .badValue(expected: "an object", found: value.kindName))
        }
        var result: [MaintenanceAction: ActionOptions] = [:]
        for member in object.members {
            guard let action = MaintenanceAction(rawValue: member.key) else {
                let names = MaintenanceAction.allCases.map(\.rawValue)
                throw OptionError(
                    field: "options.\(member.key)",
                    reason: .unknownName(
                        nearest: ClosestName.suggestion(for: member.key, among: names)))
            }
            result[action] = try validating(member.value, for: action)
        }
        return result
    }

    static func unknown(
        _ name: String, at path: String, among declarations: [OptionDeclaration]
    ) -> OptionError {
        let nearest = ClosestName.suggestion(for: name, among: declarations.map(\.name))
        return OptionError(field: path, reason: .unknownName(nearest: nearest))
    }

    /// What no single value shows.
    func checkConsistency(
        of action: MaintenanceAction, at field: String
    ) throws(OptionError) {
        switch action {
        case .rewriteDataFiles, .rewritePositionDeleteFiles:
            try checkOrder("min-file-size-bytes", below: "target-file-size-bytes", at: field)
            try checkOrder("target-file-size-bytes", below: "max-file-size-bytes", at: field)
            try checkOrder("min-file-size-bytes", below: "max-file-size-bytes", at: field)
            if values["sort_order"] != nil, values["strategy"]?.stringValue == "binpack" {
                throw OptionError(
                    field: "\(field).sort_order",
                    reason: .contradiction("has no meaning under strategy binpack; say sort"))
            }
            try checkSorting(at: field)
            try checkSortOrder(at: field)
        case .expireSnapshots, .removeOrphanFiles, .rewriteManifests:
            break
        }
    }

    /// Options of sorting, which Iceberg refuses where nothing is sorted.
    private func checkSorting(at field: String) throws(OptionError) {
        guard values["sort_order"] == nil, values["strategy"]?.stringValue != "sort" else {
            return
        }
        let names = [
            "compression-factor", "shuffle-partitions-per-file", "var-length-contribution",
            "max-output-size", "overlap-threshold",
        ]
        for name in names where values[name] != nil {
            throw OptionError(
                field: "\(field).\(name)",
                reason: .contradiction("has no meaning under strategy binpack; say sort"))
        }
    }

    /// What can be told of an order without a table; both engines would refuse it.
    private func checkSortOrder(at field: String) throws(OptionError) {
        var isZorder = false
        if let text = values["sort_order"]?.stringValue {
            do throws(ConditionError) {
                isZorder = try SortExpression(parsing: text).isZorder
            } catch {
                throw OptionError(
                    field: "\(field).sort_order", reason: .contradiction(error.description))
            }
        }
        for name in ["var-length-contribution", "max-output-size"]
        where values[name] != nil && !isZorder {
            throw OptionError(
                field: "\(field).\(name)",
                reason: .contradiction("has no meaning without zorder in sort_order"))
        }
    }

    private func checkOrder(
        _ lower: String, below upper: String, at field: String
    ) throws(OptionError) {
        guard let low = values[lower]?.int64Value, let high = values[upper]?.int64Value,
            low >= high
        else { return }
        throw OptionError(
            field: "\(field).\(lower)",
            reason: .contradiction("is \(low), which must be below \(upper), \(high)"))
    }
}

extension ActionOptions {
    /// The time of an option.
    public func timestamp(_ name: String) -> Timestamp? {
        values[name]?.stringValue.flatMap(Timestamp.init(iso8601:))
    }

    /// The whole number of an option.
    public func integer(_ name: String) -> Int? { values[name]?.intValue }

    /// The truth value of an option.
    public func boolean(_ name: String) -> Bool? { values[name]?.boolValue }

    /// The whole numbers of an option.
    public func integers(_ name: String) -> [Int64]? {
        values[name]?.arrayValue?.compactMap(\.int64Value)
    }

    /// The texts of an option.
    public func strings(_ name: String) -> [String]? {
        values[name]?.arrayValue?.compactMap(\.stringValue)
    }
}
