// SPDX-License-Identifier: Apache-2.0

/// A table as the REST contract names it: a namespace joined with dots, and one name.
public struct TableName: Hashable, Sendable, CustomStringConvertible {
    /// The namespace's levels joined with dots.
    public let database: String
    /// The table's own name.
    public let table: String

    /// The most characters either part may have.
    public static let maximumLength = 255

    /// Takes two parts that are already known to be well formed, as those read from a store are.
    public init(database: String, table: String) {
        self.database = database
        self.table = table
    }

    /// The text form, for logs and messages.
    public var description: String { "\(database).\(table)" }

    /// Whether a database name has the contract's form:
    /// `^[A-Za-z0-9_]+([.-][A-Za-z0-9_]+)*$`, at most 255 characters.
    public static func isValid(database: String) -> Bool {
        guard database.utf8.count <= maximumLength else { return false }
        return database.utf8
            .split(omittingEmptySubsequences: false) {
                $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
            }
            .allSatisfy { !$0.isEmpty && $0.allSatisfy(isWord) }
    }

    /// Whether a table name has the contract's form: `^[A-Za-z0-9_][A-Za-z0-9_-]*$`, at most 255
    /// characters.
    public static func isValid(table: String) -> Bool {
        guard let first = table.utf8.first, isWord(first) else { return false }
        return table.utf8.count <= maximumLength
            && table.utf8.allSatisfy { isWord($0) || $0 == UInt8(ascii: "-") }
    }

    /// Splits `database.table` at the last dot and checks both parts; nil if either is malformed.
    public init?(dotted text: String) {
        guard let dot = text.lastIndex(of: ".") else { return nil }
        let database = String(text[..<dot])
        let table = String(text[text.index(after: dot)...])
        guard Self.isValid(database: database), Self.isValid(table: table) else { return nil }
        self.init(database: database, table: table)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: true
        default: false
        }
    }
}
