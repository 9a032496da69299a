// SPDX-License-Identifier: Apache-2.0

/// The settings of one of AWS's shared files, by profile.
///
/// Lines are `[section]`, `name = value`, comments that begin with `#` or `;`, and nested settings,
/// which are indented and left out here. What is none of these is an error with its line.
struct ProfileFile: Hashable, Sendable {
    enum Kind: Sendable {
        /// `~/.aws/credentials`: sections are profiles.
        case credentials
        /// `~/.aws/config`: profiles but `default` are called `profile NAME`.
        case config
    }

    struct Invalid: Error, Hashable, Sendable, CustomStringConvertible {
        let line: Int
        let reason: String

        var description: String { "line \(line) \(reason)" }
    }

    /// The longest file that is read.
    static let maximumBytes = 1 << 20

    private(set) var profiles: [String: [String: String]] = [:]

    init(parsing text: String, kind: Kind) throws(Invalid) {
        var profile: String?
        var isInSection = false
        for (index, line) in text.split(
            omittingEmptySubsequences: false, whereSeparator: \.isNewline
        )
        .enumerated() {
            let isIndented = line.first?.isWhitespace ?? false
            let content = Self.trim(line)
            guard let first = content.first, first != "#", first != ";" else { continue }
            if first == "[" {
                guard let close = content.firstIndex(of: "]") else {
                    throw Invalid(line: index + 1, reason: "has no closing bracket")
                }
                profile = Self.profile(
                    Self.trim(content[content.index(after: content.startIndex)..<close]), kind)
                isInSection = true
                if let profile { profiles[profile, default: [:]].merge([:]) { old, _ in old } }
                continue
            }
            // Nested settings, as under `s3 =`: none that we need.
            if isIndented { continue }
            guard isInSection, let equals = content.firstIndex(of: "=") else {
                throw Invalid(line: index + 1, reason: "is no setting of a profile")
            }
            let name = Self.trim(content[..<equals]).lowercased()
            let value = Self.trim(content[content.index(after: equals)...])
            if let profile { profiles[profile, default: [:]][name] = Self.withoutComment(value) }
        }
    }

    /// Settings of another file win.
    mutating func overlay(_ other: ProfileFile) {
        for (name, settings) in other.profiles {
            profiles[name, default: [:]].merge(settings) { _, new in new }
        }
    }

    /// Nil for sections that are no profiles.
    private static func profile(_ section: String, _ kind: Kind) -> String? {
        switch kind {
        case .credentials: return section
        case .config:
            if section == "default" { return section }
            guard section.hasPrefix("profile"), section.dropFirst(7).first?.isWhitespace == true
            else { return nil }
            return trim(section.dropFirst(7))
        }
    }

    private static func withoutComment(_ value: String) -> String {
        for mark in [" #", " ;", "\t#", "\t;"] {
            if let range = value.firstRange(of: mark) { return trim(value[..<range.lowerBound]) }
        }
        return value
    }

    private static func trim(_ text: some StringProtocol) -> String {
        guard let first = text.firstIndex(where: { !$0.isWhitespace }),
            let last = text.lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(text[first...last])
    }
}
