// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec
import WireFormat

/// Reads this product's settings from a table's properties.
///
/// A value that does not parse is ignored with a warning, so that a slip of the pen in one
/// property never stops maintenance; the next origin decides.
public struct PolicyReader: Sendable {
    /// In front of every property of this product.
    public static let prefix = "icepack."
    /// The older prefix, read as an alias.
    public static let aliasPrefix = "snowpack."

    /// What was ignored or should be renamed, in sentences.
    public private(set) var warnings: [String] = []
    private let properties: TableProperties

    /// Reads these properties.
    public init(_ properties: TableProperties) { self.properties = properties }

    /// Adds warnings that somebody else had about the same properties.
    mutating func note(_ others: [String]) { warnings += others }

    /// Warns of properties of this product that nobody reads, such as misspelt ones.
    mutating func noteUnknown(among names: [String]) {
        for key in properties.keys.sorted() where key.hasPrefix(Self.prefix) {
            let name = String(key.dropFirst(Self.prefix.count))
            guard !names.contains(name), !name.hasPrefix("spark.") else { continue }
            let near = ClosestName.suggestion(for: name, among: names)
            warnings.append(
                "\(key) is ignored: there is no such property"
                    + (near.map { "; did you mean \(Self.prefix)\($0)?" } ?? ""))
        }
    }

    /// A whole number in a range; nil when it is absent or ignored.
    public mutating func integer(
        _ name: String, in range: ClosedRange<Int64>
    ) -> EffectiveValue<Int64>? {
        let expected =
            range.upperBound == .max
            ? "a whole number of at least \(range.lowerBound)"
            : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return value(name, expected: expected) { text in
            Int64(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// A number above the first bound and at most the second; nil when it is absent or ignored.
    public mutating func fraction(
        _ name: String, above: Double, through: Double
    ) -> EffectiveValue<Double>? {
        value(name, expected: "a number above \(above) and at most \(through)") { text in
            Double(text).flatMap { $0 > above && $0 <= through ? $0 : nil }
        }
    }

    /// `true` or `false` in any case; nil when it is absent or ignored.
    public mutating func boolean(_ name: String) -> EffectiveValue<Bool>? {
        value(name, expected: "true or false") { Bool($0.lowercased()) }
    }

    /// One of a few words; nil when it is absent or ignored.
    public mutating func choice<Choice: RawRepresentable & CaseIterable & Sendable>(
        _ name: String, as type: Choice.Type
    ) -> EffectiveValue<Choice>? where Choice.RawValue == String {
        let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        return value(name, expected: "one of \(words)") { Choice(rawValue: $0.lowercased()) }
    }

    /// Every setting whose name starts so, such as `spark.`, without this product's prefix.
    ///
    /// Under both prefixes the newer one counts.
    public mutating func settings(
        startingWith start: String
    ) -> [(name: String, value: String, property: String)] {
        var found: [(name: String, value: String, property: String)] = []
        for prefix in [Self.prefix, Self.aliasPrefix] {
            for key in properties.keys where key.hasPrefix(prefix + start) {
                let name = String(key.dropFirst(prefix.count))
                if prefix == Self.aliasPrefix { deprecate(key, name) }
                guard let value = properties[key], !found.contains(where: { $0.name == name })
                else { continue }
                found.append((name, value, key))
            }
        }
        return found
    }

    private mutating func value<Value>(
        _ name: String, expected: String, _ parse: (String) -> Value?
    ) -> EffectiveValue<Value>? {
        for prefix in [Self.prefix, Self.aliasPrefix] {
            let key = prefix + name
            guard let text = properties[key] else { continue }
            if prefix == Self.aliasPrefix { deprecate(key, name) }
            guard let value = parse(text) else {
                warnings.append("\(key) is ignored: it must be \(expected)")
                continue
            }
            return EffectiveValue(value, .policy(property: key))
        }
        return nil
    }

    private mutating func deprecate(_ key: String, _ name: String) {
        warnings.append("\(key) is deprecated; write \(Self.prefix)\(name)")
    }
}
