// SPDX-License-Identifier: Apache-2.0

extension ConfigurationValues {
    /// One key as `icepack config` shows it.
    public struct Shown: Sendable {
        /// The key.
        public let key: ConfigurationKey
        /// Its text, secrets replaced; nil if it is not set.
        public let text: String?
        /// `default`, `file`, `environment` or `not set`.
        public let origin: String
    }

    /// Every key in its order; passwords never.
    public var shown: [Shown] {
        ConfigurationKey.allCases.map { key in
            guard let value = values[key] else {
                return Shown(key: key, text: nil, origin: "not set")
            }
            let text = key.isSecret ? "********" : Self.withoutPassword(value.text)
            let origin =
                switch value.origin {
                case .builtIn: "default"
                case .file: "file"
                case .environment: "environment"
                }
            return Shown(key: key, text: text, origin: origin)
        }
    }

    /// A URL whose `user:password@` shows no password, nor do secrets among its parameters.
    ///
    /// Passwords may hold what a URL would have escaped, so more is hidden rather than less.
    static func withoutPassword(_ text: String) -> String {
        guard let scheme = text.firstRange(of: "://") else { return text }
        let rest = text[scheme.upperBound...]
        let query =
            rest.lastIndex(of: "@").flatMap { rest[$0...].firstIndex(of: "?") }
            ?? (rest.contains("@") ? nil : rest.firstIndex(of: "?"))
        var place = String(rest[..<(query ?? rest.endIndex)])
        if let at = place.lastIndex(of: "@"), let colon = place[..<at].firstIndex(of: ":") {
            place.replaceSubrange(place.index(after: colon)..<at, with: hidden)
        }
        guard let query else { return text[..<scheme.upperBound] + place }
        let parameters = rest[rest.index(after: query)...].split(
            separator: "&", omittingEmptySubsequences: false
        ).map(withoutSecret)
        return text[..<scheme.upperBound] + place + "?" + parameters.joined(separator: "&")
    }

    private static let hidden = "********"
    private static let secretNames = ["password", "secret", "token", "key", "credential"]

    private static func withoutSecret(_ parameter: Substring) -> String {
        guard let equals = parameter.firstIndex(of: "=") else { return String(parameter) }
        let name = parameter[..<equals].lowercased()
        return secretNames.contains(where: name.contains)
            ? parameter[...equals] + hidden : String(parameter)
    }
}
