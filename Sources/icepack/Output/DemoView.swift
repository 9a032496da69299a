// SPDX-License-Identifier: Apache-2.0

import Demonstration
import WireFormat

/// Shows the demonstration to people, or its result to programs.
struct DemoView {
    private let json: Bool

    /// With `json` standard output is for the result alone.
    init(json: Bool) { self.json = json }

    /// A line that begins a part.
    func heading(_ text: String) { write("\n" + Console.styled(text, .bold)) }

    /// A line of a part.
    func say(_ text: String) { write("  " + text) }

    private func write(_ line: String) {
        if json { Console.note(line) } else { Console.write(line) }
    }

    /// What became of a job.
    func show(_ job: JobView) {
        say(job.heading)
        for line in job.actionLines { say("  " + line) }
        if let error = job.error { say("  error: \(error)") }
    }

    // MARK: Before and after

    private static let columns = [
        "TABLE", "", "FILES", "DELETES", "MANIFESTS", "SNAPSHOTS", "ON DISK", "BYTES", "SCAN",
        "ROWS", "DIGEST",
    ]

    /// Every table before and after.
    func show(_ results: [DemoResult], service url: String) {
        let rows = results.flatMap { result in
            [
                [result.name, "before"] + Self.cells(result.before),
                ["", "after"] + Self.cells(result.after),
            ]
        }
        TextTable.shown(
            heading: Self.columns, rows: rows, alignedRight: Set(2..<Self.columns.count - 1),
            style: { $0.isMultiple(of: 2) ? nil : .green }
        ).forEach(say)
        guard json else { return }
        Console.write(["service": .string(url), "tables": .array(results.map(\.json))])
    }

    private static func cells(_ figures: TableFigures) -> [String] {
        let counts = [
            figures.dataFiles, figures.deleteFiles, figures.manifests, figures.snapshots,
            figures.folder.files,
        ]
        let rows = figures.reading.rows
        return counts.map { "\($0)" }
            + [
                size(figures.folder.bytes), milliseconds(figures.reading.duration),
                "\(rows.count)", String(rows.hexadecimal.prefix(12)),
            ]
    }

    private static func size(_ bytes: Int64) -> String { "\(bytes / 1024) KiB" }

    private static func milliseconds(_ duration: Duration) -> String {
        let tenths = Int64((duration / .microseconds(100)).rounded())
        return "\(tenths / 10).\(tenths % 10) ms"
    }

    // MARK: What to try next

    /// Commands to try on the service while it runs, or how to start it again.
    func invite(to url: String, _ host: DemoHost) {
        let program = CommandLine.arguments.first ?? "icepack"
        let serve = "\(program) serve --config \(host.configurationFile)"
        guard !host.exits else { return say("To go on with these tables: \(serve)") }
        let address = url == "http://127.0.0.1:8000" ? "" : " --api-url \(url)"
        say("The service is at \(url) until Ctrl-C. In another shell:")
        say("  \(program) tables\(address)")
        say("  \(program) recommend demo.events\(address)")
        say(
            "  \(program) submit demo.sensors --action remove_orphan_files --dry-run\(address)")
        say("  curl -s \(url)/tables/demo/orders/status")
        say("  curl -s \(url)/jobs")
        say("Later: \(serve)")
    }
}

extension DemoResult {
    fileprivate var name: String { "\(written.table.identifier)" }

    fileprivate var json: JSONValue {
        [
            "table": .string(name),
            "written": [
                "rows": .integer(written.rows.count), "digest": .string(written.rows.hexadecimal),
            ],
            "before": before.json, "after": after.json,
        ]
    }
}
