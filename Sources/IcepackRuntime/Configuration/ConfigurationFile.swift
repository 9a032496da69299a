// SPDX-License-Identifier: Apache-2.0

import Yams

/// The YAML file: flat, keys in lower case without the prefix.
public enum ConfigurationFile {
    /// The longest file that is read.
    public static let maximumBytes = 1 << 20

    /// The members of a flat YAML mapping, values as texts; a list becomes its elements joined
    /// with commas.
    ///
    /// - Throws: ``ConfigurationProblem`` for what is not flat, not YAML or too long.
    public static func parse(
        _ text: String, named path: String
    ) throws(ConfigurationProblem) -> [(key: String, text: String)] {
        guard text.utf8.count <= maximumBytes else {
            throw ConfigurationProblem(key: path, reason: "is longer than \(maximumBytes) bytes")
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw ConfigurationProblem(key: path, reason: "is not valid YAML: \(error)")
        }
        guard let root, root.scalar?.string != "" else { return [] }
        guard let mapping = root.mapping else {
            throw ConfigurationProblem(
                key: path, reason: "must hold keys and values, such as port: 8000")
        }
        var members: [(key: String, text: String)] = []
        for (key, value) in mapping {
            members.append((key: key.string ?? "", text: try flat(value, key: key.string ?? "")))
        }
        return members
    }

    private static func flat(_ node: Node, key: String) throws(ConfigurationProblem) -> String {
        switch node {
        case .scalar(let scalar):
            return scalar.string == "null" || scalar.string == "~" ? "" : scalar.string
        case .sequence(let sequence):
            let texts = sequence.compactMap { $0.scalar?.string }
            guard texts.count == sequence.count else { throw nested(key) }
            return texts.joined(separator: ",")
        case .mapping, .alias: throw nested(key)
        }
    }

    private static func nested(_ key: String) -> ConfigurationProblem {
        ConfigurationProblem(key: key, reason: "must be a plain value or a list of them")
    }
}
