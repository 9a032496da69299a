// SPDX-License-Identifier: Apache-2.0

/// Shows a job's progress: a bar that is drawn again on a terminal, a line per change elsewhere.
struct ProgressDisplay {
    private let isInteractive: Bool
    private var lastLine = ""

    /// Decides by the terminal.
    init(isInteractive: Bool = Console.isInteractive) { self.isInteractive = isInteractive }

    /// Shows the newest state.
    mutating func show(_ job: JobView) {
        show(line: Self.line(for: job, withBar: isInteractive))
    }

    /// Shows a line of its own.
    mutating func show(line: String) {
        guard line != lastLine else { return }
        lastLine = line
        if isInteractive { Console.redraw(line) } else { Console.note(line) }
    }

    /// Leaves the terminal's cursor on an empty line.
    mutating func finish() {
        if isInteractive, !lastLine.isEmpty { Console.redraw("") }
        lastLine = ""
    }

    static func line(for job: JobView, withBar: Bool) -> String {
        let state = "\(job.status)\(job.progressLine.map { " · " + $0 } ?? "")"
        guard withBar, let fraction = job.fraction else { return state }
        let width = 30
        let filled = Int((fraction * Double(width)).rounded())
        let bar =
            String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        return "\(bar) \(Int((fraction * 100).rounded()))% \(state)"
    }
}
