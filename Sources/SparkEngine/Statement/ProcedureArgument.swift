// SPDX-License-Identifier: Apache-2.0

package import WireFormat

/// A value as a procedure's argument takes it.
package enum ProcedureValue: Hashable, Sendable {
    /// `true` or `false`.
    case boolean(Bool)
    /// Java's `int`.
    case integer(Int64)
    /// A text.
    case string(String)
    /// A time.
    case timestamp(Timestamp)
    /// Java's `long`s.
    case integers([Int64])
    /// Texts.
    case strings([String])
    /// Texts by texts, in their order.
    case map([MapEntry])

    /// One entry of a map.
    package struct MapEntry: Hashable, Sendable {
        /// The key.
        package let key: String
        /// The value.
        package let value: String

        /// Pairs a key with a value.
        package init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }

    /// The value as Spark SQL.
    package var sql: String {
        switch self {
        case .boolean(let truth): truth ? "true" : "false"
        case .integer(let number): String(number)
        case .string(let text): SparkSQL.string(text)
        case .timestamp(let time): SparkSQL.timestamp(time)
        case .integers(let numbers): SparkSQL.array(numbers)
        case .strings(let texts): SparkSQL.array(texts)
        case .map(let entries): SparkSQL.map(entries.map { ($0.key, $0.value) })
        }
    }
}

/// One named argument.
package struct ProcedureArgument: Hashable, Sendable {
    /// The argument's name: one of Iceberg's own, never a caller's text.
    package let name: String
    /// Its value.
    package let value: ProcedureValue

    /// Pairs a name with a value.
    package init(_ name: String, _ value: ProcedureValue) {
        self.name = name
        self.value = value
    }
}
