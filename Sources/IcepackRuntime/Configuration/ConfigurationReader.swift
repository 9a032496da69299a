// SPDX-License-Identifier: Apache-2.0

import Jobs

/// Turns texts into typed values and collects every mistake on the way.
struct ConfigurationReader {
    let values: ConfigurationValues
    private(set) var problems: [ConfigurationProblem]

    init(_ values: ConfigurationValues) {
        self.values = values
        problems = values.problems
    }

    /// The text of a key; nil if it is not set.
    func text(_ key: ConfigurationKey) -> String? { values.values[key]?.text }

    /// Whether somebody set a key.
    func isSet(_ key: ConfigurationKey) -> Bool {
        values.values[key].map { $0.origin != .builtIn } ?? false
    }

    /// Notes a mistake.
    mutating func fail(_ key: ConfigurationKey, _ reason: String) {
        let origin = values.values[key]?.origin ?? .builtIn
        let name = origin == .file ? key.rawValue : key.environmentName
        problems.append(ConfigurationProblem(key: name, reason: reason))
    }

    /// The text of a key that has a default.
    func required(_ key: ConfigurationKey) -> String { text(key) ?? "" }

    mutating func integer(_ key: ConfigurationKey, _ range: ClosedRange<Int>) -> Int {
        guard let value = Int(required(key)), range.contains(value) else {
            let bounds = "a whole number from \(range.lowerBound) to \(range.upperBound)"
            fail(key, "must be \(bounds), not \"\(required(key))\"")
            return range.lowerBound
        }
        return value
    }

    /// Seconds, fractions allowed.
    mutating func duration(_ key: ConfigurationKey, _ range: ClosedRange<Double>) -> Duration {
        guard let value = Double(required(key)), range.contains(value) else {
            let bounds = "seconds from \(range.lowerBound) to \(range.upperBound)"
            fail(key, "must be \(bounds), not \"\(required(key))\"")
            return .seconds(range.lowerBound)
        }
        return .milliseconds(Int64((value * 1000).rounded()))
    }

    mutating func boolean(_ key: ConfigurationKey) -> Bool {
        switch required(key).lowercased() {
        case "true", "on", "1", "yes": return true
        case "false", "off", "0", "no": return false
        default:
            fail(key, "must be true or false (or on, off, 1, 0), not \"\(required(key))\"")
            return false
        }
    }

    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: ConfigurationKey, _ fallback: Choice
    ) -> Choice where Choice.RawValue == String {
        if let choice = Choice(rawValue: required(key).lowercased()) { return choice }
        let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        fail(key, "must be one of \(names), not \"\(required(key))\"")
        return fallback
    }

    /// Bytes: a whole number, or one followed by KiB, MiB, GiB or TiB.
    mutating func bytes(_ key: ConfigurationKey, _ range: ClosedRange<Int>) -> Int {
        let text = required(key)
        let digits = text.prefix { $0.isNumber }
        let unit = String(text.dropFirst(digits.count)).trimmingWhiteSpace().lowercased()
        let factors = [
            "": 1, "b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
        ]
        guard let count = Int(digits), let factor = factors[unit],
            case (let value, let overflow) = count.multipliedReportingOverflow(by: factor),
            !overflow,
            range.contains(value)
        else {
            let bounds = "\(range.lowerBound) to \(range.upperBound) bytes"
            fail(key, "must be a size such as 512 MiB, \(bounds), not \"\(text)\"")
            return range.lowerBound
        }
        return value
    }

    /// Names separated by commas; white space around them is dropped.
    func list(_ key: ConfigurationKey) -> [String] {
        (text(key) ?? "").split(separator: ",").map { String($0).trimmingWhiteSpace() }
            .filter { !$0.isEmpty }
    }

    /// Names of databases separated by commas; a list that names none, or what no database can be
    /// called, would leave out tables, or none, without a word.
    mutating func databases(_ key: ConfigurationKey) -> [String] {
        let names = list(key)
        if names.isEmpty, text(key) != nil {
            fail(key, "names no database: leave it out for all of them")
        }
        for name in names where !TableName.isValid(database: name) {
            fail(
                key,
                "cannot have \"\(name)\": write names of databases with commas between them, "
                    + "without patterns")
        }
        return names
    }
}
