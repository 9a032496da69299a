// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// Which text each key has and where it came from: environment over file over default.
public struct ConfigurationValues: Sendable {
    /// Where a value came from.
    public enum Origin: Hashable, Sendable {
        /// Nobody set it.
        case builtIn
        /// The YAML file.
        case file
        /// An environment variable.
        case environment
    }

    /// A text and its origin.
    public struct Value: Hashable, Sendable {
        /// As it was set, white space around it removed.
        public let text: String
        /// Where.
        public let origin: Origin
    }

    /// The values that are set or have a default.
    public private(set) var values: [ConfigurationKey: Value] = [:]
    /// What AWS's own tools read of the environment: `AWS_…`, and `HOME` for its shared files.
    public let aws: [String: String]
    /// Keys that nobody knows, and other mistakes of the layers themselves.
    public private(set) var problems: [ConfigurationProblem] = []

    /// Lays the environment over the members of a file over the defaults.
    ///
    /// An empty text counts as not set: shells and manifests cannot always unset a variable.
    public init(environment: [String: String], file: [(key: String, text: String)] = []) {
        aws = environment.filter { $0.key.hasPrefix("AWS_") || $0.key == "HOME" }
        for key in ConfigurationKey.allCases {
            if let text = key.defaultText { values[key] = Value(text: text, origin: .builtIn) }
        }
        for (name, text) in file {
            take(text, for: ConfigurationKey(rawValue: name), named: name, origin: .file)
        }
        for (name, text) in environment.sorted(by: { $0.key < $1.key })
        where name.hasPrefix("ICEPACK_") && !Self.isServiceLink(name, text) {
            let key = ConfigurationKey(rawValue: name.dropFirst("ICEPACK_".count).lowercased())
            take(text, for: key, named: name, origin: .environment)
        }
    }

    private mutating func take(
        _ text: String, for key: ConfigurationKey?, named name: String, origin: Origin
    ) {
        guard let key else {
            problems.append(
                .init(key: name, reason: "is not a known key" + suggestion(name, origin)))
            return
        }
        let trimmed = text.trimmingWhiteSpace()
        if !trimmed.isEmpty { values[key] = Value(text: trimmed, origin: origin) }
    }

    private func suggestion(_ name: String, _ origin: Origin) -> String {
        let names = ConfigurationKey.allCases.map {
            origin == .file ? $0.rawValue : $0.environmentName
        }
        guard let near = ClosestName.suggestion(for: name, among: names) else { return "" }
        return "; did you mean \(near)?"
    }

    /// Kubernetes sets `ICEPACK_PORT=tcp://…`, `ICEPACK_SERVICE_HOST` and their like in every pod
    /// beside a Service named `icepack`; they are not meant for us.
    private static func isServiceLink(_ name: String, _ text: String) -> Bool {
        name.hasPrefix("ICEPACK_SERVICE_") || name.hasPrefix("ICEPACK_PORT_")
            || (name == "ICEPACK_PORT" && text.contains("://"))
    }
}

/// One mistake in the configuration.
public struct ConfigurationProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// The key as its writer spelled it.
    public let key: String
    /// What is wrong and what to change, as the rest of a sentence that begins with the key.
    public let reason: String

    /// The text form, for logs and messages.
    public var description: String { "\(key) \(reason)" }
}

/// All mistakes in the configuration, so that they can be mended in one go.
public struct ConfigurationProblems: Error, Hashable, Sendable, CustomStringConvertible {
    /// At least one.
    public let problems: [ConfigurationProblem]

    /// The text form, for logs and messages.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}

extension String {
    /// The text without white space around it.
    func trimmingWhiteSpace() -> String {
        guard let first = firstIndex(where: { !$0.isWhitespace }),
            let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }
}
