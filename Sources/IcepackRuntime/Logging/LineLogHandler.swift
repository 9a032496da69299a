// SPDX-License-Identifier: Apache-2.0

import Foundation
public import Logging
import Synchronization
import WireFormat

/// Writes log lines to standard error, for people or as JSON; never to standard output, which
/// belongs to results.
public struct LineLogHandler: LogHandler {
    /// How a line looks.
    public let format: Configuration.LogFormat
    private let label: String
    /// From which level on lines are written.
    public var logLevel: Logger.Level
    /// What every line of this logger carries.
    public var metadata: Logger.Metadata = [:]
    /// What the context of a line adds to it; not used.
    public var metadataProvider: Logger.MetadataProvider?

    /// A handler of one logger.
    public init(label: String, format: Configuration.LogFormat, level: Logger.Level) {
        self.label = label
        self.format = format
        logLevel = level
    }

    /// One member of ``metadata``.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one line.
    public func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }
            .map { (key: $0.key, text: "\($0.value)") }
            .sorted { $0.key < $1.key }
        let now = Timestamp.now
        let line =
            switch format {
            case .text: Self.text(now, event.level, "\(event.message)", fields)
            case .json: json(now, event.level, "\(event.message)", fields)
            }
        StandardErrorLines.write(line)
    }

    private static func text(
        _ now: Timestamp, _ level: Logger.Level, _ message: String,
        _ fields: [(key: String, text: String)]
    ) -> String {
        let rest = fields.map { " \($0.key)=\(quotedIfNeeded($0.text))" }.joined()
        return "\(now) \(level.rawValue.uppercased()) \(message)\(rest)"
    }

    private static func quotedIfNeeded(_ text: String) -> String {
        let isPlain =
            !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x7F }
        return isPlain ? text : JSONValue.string(text).text()
    }

    private func json(
        _ now: Timestamp, _ level: Logger.Level, _ message: String,
        _ fields: [(key: String, text: String)]
    ) -> String {
        var object = JSONObject()
        object["time"] = .string(now.description)
        object["level"] = .string(level.rawValue)
        object["message"] = .string(message)
        object["logger"] = .string(label)
        for field in fields { object[field.key] = .string(field.text) }
        return JSONValue.object(object).text()
    }
}

/// Keeps lines of several threads whole.
private enum StandardErrorLines {
    private static let lock = Mutex(())

    static func write(_ line: String) {
        let bytes = Data((line + "\n").utf8)
        lock.withLock { _ in
            // A log that cannot be written must not stop the work it is about.
            try? FileHandle.standardError.write(contentsOf: bytes)
        }
    }
}
