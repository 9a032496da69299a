// SPDX-License-Identifier: Apache-2.0

import Foundation
import WireFormat

/// Standard output for results, standard error for everything else.
enum Console {
    /// Writes a line to standard output.
    static func write(_ line: String) {
        emit(line + "\n", to: .standardOutput)
    }

    /// Writes a value to standard output as JSON.
    static func write(_ value: JSONValue) {
        write(value.text(.indented))
    }

    /// Writes a line to standard error.
    static func note(_ line: String) {
        emit(line + "\n", to: .standardError)
    }

    /// Writes text without a line end to standard error, for a line that is drawn again.
    static func redraw(_ text: String) {
        emit("\r\u{1B}[2K" + text, to: .standardError)
    }

    /// How text may stand out.
    enum Style: String {
        case bold = "1"
        case red = "31"
        case green = "32"
        case yellow = "33"
    }

    /// The text, so that it stands out where standard output is a terminal that shows colours.
    ///
    /// `NO_COLOR` in the environment forbids that (no-color.org).
    static func styled(_ text: String, _ style: Style) -> String {
        let environment = ProcessInfo.processInfo.environment
        let isForbidden = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        guard isatty(1) == 1, environment["TERM"] != "dumb", !isForbidden else { return text }
        return "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m"
    }

    /// Whether standard error is a terminal that can redraw a line.
    static var isInteractive: Bool {
        isatty(2) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    private static func emit(_ text: String, to handle: FileHandle) {
        // A reader that went away (`icepack jobs | head`) is no failure of ours.
        try? handle.write(contentsOf: Data(text.utf8))
    }
}
