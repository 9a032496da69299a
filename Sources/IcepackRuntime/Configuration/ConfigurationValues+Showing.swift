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

    /// A URL whose `user:password@` shows no password, nor a `password=` among its parameters.
    static func withoutPassword(_ text: String) -> String {
        guard let scheme = text.firstRange(of: "://") else { return text }
        var rest = String(text[scheme.upperBound...])
        let authorityEnd = rest.firstIndex(where: { $0 == "/" || $0 == "?" }) ?? rest.endIndex
        if let at = rest[..<authorityEnd].lastIndex(of: "@"),
            let colon = rest[..<at].firstIndex(of: ":")
        {
            rest.replaceSubrange(rest.index(after: colon)..<at, with: "********")
        }
        if let parameter = rest.firstRange(of: "password=") {
            let end = rest[parameter.upperBound...].firstIndex(of: "&") ?? rest.endIndex
            rest.replaceSubrange(parameter.upperBound..<end, with: "********")
        }
        return String(text[..<scheme.upperBound]) + rest
    }
}
