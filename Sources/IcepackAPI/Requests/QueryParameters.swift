// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// The query of a request, each parameter known and given at most once.
///
/// An unknown parameter is refused: a misspelt `retention_days` must not remove what the default
/// would.
struct QueryParameters: Sendable {
    private let values: [String: String]

    init(_ request: APIRequest, allowing names: [String]) throws(APIFailure) {
        var values: [String: String] = [:]
        for pair in (request.query ?? "").split(separator: "&") {
            let mark = pair.firstIndex(of: "=")
            let rawName = String(pair[..<(mark ?? pair.endIndex)])
            let rawValue = mark.map { String(pair[pair.index(after: $0)...]) } ?? ""
            guard let name = PercentEncoding.decode(rawName, plusIsSpace: true),
                names.contains(name)
            else { throw .problem(Self.unknown(rawName, among: names)) }
            guard let value = PercentEncoding.decode(rawValue, plusIsSpace: true) else {
                throw .problem(Self.invalid(name, "is not percent-encoded UTF-8"))
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw .problem(Self.invalid(name, "is given twice; give it once"))
            }
        }
        self.values = values
    }

    func text(_ name: String) -> String? { values[name] }

    /// A whole number within bounds.
    func integer(
        _ name: String, in range: ClosedRange<Int>, default fallback: Int
    ) throws(APIFailure) -> Int {
        guard let text = values[name] else { return fallback }
        guard let number = Self.integer(text), range.contains(number) else {
            throw .problem(
                Self.invalid(
                    name,
                    "must be a whole number from \(range.lowerBound) to \(range.upperBound)"))
        }
        return number
    }

    /// `true` or `false`; nil when it is not given.
    func boolean(_ name: String) throws(APIFailure) -> Bool? {
        switch values[name] {
        case nil: return nil
        case "true": return true
        case "false": return false
        case .some: throw .problem(Self.invalid(name, "must be true or false"))
        }
    }

    /// Plain digits with an optional minus: `Int` alone would take `+5` and `٥` would confuse.
    private static func integer(_ text: String) -> Int? {
        let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }

    static func invalid(_ name: String, _ reason: String) -> Problem {
        Problem(.invalidParameter, "The query parameter \(name) \(reason).").about(field: name)
    }

    private static func unknown(_ name: String, among names: [String]) -> Problem {
        let nearest = ClosestName.suggestion(for: name, among: names)
        let advice =
            nearest.map { "Did you mean \($0)?" }
            ?? (names.isEmpty
                ? "This path takes none." : "This path takes \(names.joined(separator: ", ")).")
        let problem = Problem(
            .unknownParameter, "There is no query parameter \(name). \(advice)"
        ).about(field: name)
        return nearest.map { problem.with("suggestion", .string($0)) } ?? problem
    }
}
