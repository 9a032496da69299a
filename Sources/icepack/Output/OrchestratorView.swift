// SPDX-License-Identifier: Apache-2.0

import Fleet
import Jobs

/// Shows people what became of each table in a run of the orchestrator.
enum OrchestratorView {
    /// A line for each table, below a heading.
    static func lines(_ tables: [OrchestratorReport.Line]) -> [String] {
        TextTable.shown(
            heading: ["TABLE", "OUTCOME", "WHY"],
            rows: tables.map { line in
                [
                    line.table.description, line.outcome.rawValue.replacing("_", with: " "),
                    why(line),
                ]
            },
            style: { style(of: tables[$0].outcome) })
    }

    private static func why(_ line: OrchestratorReport.Line) -> String {
        [line.actions.joined(separator: ", "), line.reasons.joined(separator: "; ")]
            .filter { !$0.isEmpty }.joined(separator: ": ")
    }

    private static func style(of outcome: OrchestratorReport.Outcome) -> Console.Style? {
        switch outcome {
        case .completed, .submitted: .green
        case .failed, .notAssessed: .red
        case .cancelled, .notSubmitted: .yellow
        case .leftOut, .healthy, .skipped: nil
        }
    }
}
