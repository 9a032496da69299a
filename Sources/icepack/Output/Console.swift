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

    /// Whether standard error is a terminal that can redraw a line.
    static var isInteractive: Bool {
        isatty(2) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    private static func emit(_ text: String, to handle: FileHandle) {
        // A reader that went away (`icepack jobs | head`) is no failure of ours.
        try? handle.write(contentsOf: Data(text.utf8))
    }
}
