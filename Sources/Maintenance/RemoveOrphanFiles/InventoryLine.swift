// SPDX-License-Identifier: Apache-2.0

package import ObjectStorage
import WireFormat

/// Reads an inventory: a CSV file with a path on each line, and perhaps a size and a time.
///
/// RFC 4180 quoting; the first line may name the columns `path` (or `file_path`), `size` and
/// `last_modified`. Without such a line the columns are these, in this order. A line without a
/// time is of a file too young to be an orphan (P-17).
package struct InventoryReader: Sendable {
    private var columns: [Column] = [.path, .size, .modified]
    private var line = 0

    /// The longest line that is read.
    package static let longestLine = 64 * 1024

    /// What a column says.
    package enum Column: Hashable, Sendable {
        /// The whole location.
        case path
        /// Its bucket, which a key goes with.
        case bucket
        /// What follows the bucket.
        case key
        /// The size in bytes.
        case size
        /// When the object was last written.
        case modified
        /// Nothing that matters.
        case other

        /// By the name that a CSV or Parquet inventory gives it.
        package init(named name: String) {
            self =
                switch name.lowercased() {
                case "path", "file_path": .path
                case "bucket": .bucket
                case "key": .key
                case "size": .size
                case "last_modified", "last_modified_date", "modified": .modified
                default: .other
                }
        }
    }

    /// Begins at the first line.
    package init() {}

    /// The object that a line is about; nil for an empty line and for the one of names.
    package mutating func read(_ text: String) throws(OrphanRefusal) -> ObjectInfo? {
        line += 1
        let trimmed = text.utf8.last == UInt8(ascii: "\r") ? String(text.dropLast()) : text
        guard !trimmed.isEmpty else { return nil }
        let fields = try split(trimmed)
        if line == 1, let names = Self.header(fields) {
            columns = names
            return nil
        }
        return try object(fields)
    }

    private static func header(_ fields: [String]) -> [Column]? {
        let columns = fields.map(Column.init(named:))
        return columns.contains(.path) ? columns : nil
    }

    private func object(_ fields: [String]) throws(OrphanRefusal) -> ObjectInfo {
        guard let place = columns.firstIndex(of: .path), place < fields.count,
            !fields[place].isEmpty
        else { throw .inventory("line \(line) has no path") }
        return ObjectInfo(
            location: Location(fields[place]), size: try size(fields),
            modifiedMilliseconds: try time(fields))
    }

    private func field(_ column: Column, _ fields: [String]) -> String? {
        guard let place = columns.firstIndex(of: column), place < fields.count else { return nil }
        return fields[place].isEmpty ? nil : fields[place]
    }

    private func size(_ fields: [String]) throws(OrphanRefusal) -> Int64 {
        guard let text = field(.size, fields) else { return Self.unknownSize }
        guard let size = Int64(text), size >= 0 else {
            throw .inventory("line \(line) has \(text) for a size")
        }
        return size
    }

    private func time(_ fields: [String]) throws(OrphanRefusal) -> Int64? {
        guard let text = field(.modified, fields) else { return nil }
        guard let milliseconds = Self.milliseconds(text) else {
            throw .inventory(
                "line \(line) has \(text) for a time; write ISO 8601 or milliseconds since 1970")
        }
        return milliseconds
    }

    /// A time in ISO 8601 or milliseconds since 1970; nil for anything else.
    package static func milliseconds(_ text: String) -> Int64? {
        Int64(text) ?? Timestamp(iso8601: text)?.milliseconds
    }

    /// A size that the inventory does not say.
    package static let unknownSize: Int64 = -1

    private func split(_ text: String) throws(OrphanRefusal) -> [String] {
        var fields: [String] = []
        var field: [UInt8] = []
        var isQuoted = false
        var bytes = text.utf8.makeIterator()
        var next = bytes.next()
        while let byte = next {
            next = bytes.next()
            switch byte {
            case UInt8(ascii: "\"") where isQuoted && next == UInt8(ascii: "\""):
                field.append(byte)
                next = bytes.next()
            case UInt8(ascii: "\"") where isQuoted || field.isEmpty: isQuoted.toggle()
            case UInt8(ascii: ",") where !isQuoted:
                fields.append(String(decoding: field, as: UTF8.self))
                field.removeAll()
            default: field.append(byte)
            }
        }
        guard !isQuoted else { throw .inventory("line \(line) ends within quotation marks") }
        return fields + [String(decoding: field, as: UTF8.self)]
    }
}
