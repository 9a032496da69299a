// SPDX-License-Identifier: Apache-2.0

import WireFormat

extension ActionOptions {
    /// Reads `--option` texts: `key=value`, or `action.key=value`, which several actions need.
    ///
    /// The text is taken as the option's declared type: lists are separated by commas, maps by
    /// commas and colons, and both may be JSON. Actions without an option are left out.
    ///
    /// - Throws: ``OptionError`` with the field `--option key`.
    public static func parsing(
        cli texts: [String], for actions: [MaintenanceAction]
    ) throws(OptionError) -> [MaintenanceAction: ActionOptions] {
        var collected: [MaintenanceAction: JSONObject] = [:]
        for text in texts {
            let assignment = try Assignment(text, actions: actions)
            var object = collected[assignment.action] ?? JSONObject()
            guard object[assignment.key] == nil else {
                throw OptionError(field: assignment.field, reason: .repeated)
            }
            object[assignment.key] = assignment.value
            collected[assignment.action] = object
        }
        var result: [MaintenanceAction: ActionOptions] = [:]
        for (action, object) in collected {
            let options = ActionOptions(validated: object)
            try options.checkConsistency(of: action, at: "--option \(action.rawValue)")
            result[action] = options
        }
        return result
    }
}

/// One `--option` text, taken apart and checked.
private struct Assignment {
    let action: MaintenanceAction
    let key: String
    let value: JSONValue
    let field: String

    init(_ text: String, actions: [MaintenanceAction]) throws(OptionError) {
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
            throw OptionError(field: "--option \(text)", reason: .notAnAssignment)
        }
        let name = String(text[..<equals])
        field = "--option \(name)"
        (action, key) = try Self.resolve(name, actions: actions)
        let key = key
        guard let declaration = action.declarations.first(where: { $0.name == key }) else {
            throw ActionOptions.unknown(key, at: field, among: action.declarations)
        }
        let read = declaration.type.reading(String(text[text.index(after: equals)...]))
        value = try declaration.type.checking(read, at: field)
    }

    /// Which action a name is for.
    ///
    /// Options have dots too, so only an action's name is a prefix.
    private static func resolve(
        _ name: String, actions: [MaintenanceAction]
    ) throws(OptionError) -> (MaintenanceAction, String) {
        for action in MaintenanceAction.allCases where name.hasPrefix("\(action.rawValue).") {
            guard actions.contains(action) else {
                throw OptionError(
                    field: "--option \(name)",
                    reason: .contradiction("is for \(action.rawValue), which is not asked for"))
            }
            return (action, String(name.dropFirst(action.rawValue.count + 1)))
        }
        guard let only = actions.first, actions.count == 1 else {
            throw OptionError(
                field: "--option \(name)",
                reason: .contradiction("needs its action in front: ACTION.\(name)=…"))
        }
        return (only, name)
    }
}
