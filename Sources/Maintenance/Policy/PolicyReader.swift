// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec

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

    /// A whole number in a range; nil when it is absent or ignored.
    public mutating func integer(
        _ name: String, in range: ClosedRange<Int64>
    ) -> EffectiveValue<Int64>? {
        for prefix in [Self.prefix, Self.aliasPrefix] {
            let key = prefix + name
            guard let text = properties[key] else { continue }
            if prefix == Self.aliasPrefix {
                warnings.append("\(key) is deprecated; write \(Self.prefix)\(name)")
            }
            guard let value = Int64(text), range.contains(value) else {
                warnings.append(
                    "\(key) is ignored: it must be a whole number"
                        + (range.upperBound == .max
                            ? " of at least \(range.lowerBound)"
                            : " from \(range.lowerBound) to \(range.upperBound)"))
                continue
            }
            return EffectiveValue(value, .policy(property: key))
        }
        return nil
    }

    /// One of a few words; nil when it is absent or ignored.
    public mutating func choice<Choice: RawRepresentable & CaseIterable & Sendable>(
        _ name: String, as type: Choice.Type
    ) -> EffectiveValue<Choice>? where Choice.RawValue == String {
        for prefix in [Self.prefix, Self.aliasPrefix] {
            let key = prefix + name
            guard let text = properties[key] else { continue }
            if prefix == Self.aliasPrefix {
                warnings.append("\(key) is deprecated; write \(Self.prefix)\(name)")
            }
            guard let value = Choice(rawValue: text.lowercased()) else {
                let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
                warnings.append("\(key) is ignored: it must be one of \(words)")
                continue
            }
            return EffectiveValue(value, .policy(property: key))
        }
        return nil
    }
}
