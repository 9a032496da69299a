// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// Reads the parts of a job object that people want to see.
///
/// Unknown members are left alone, so an older client can talk to a newer service.
struct JobView {
    let json: JSONValue

    private subscript(_ key: String) -> JSONValue { json.objectValue?[key] ?? .null }

    var id: String { self["job_id"].stringValue ?? "?" }
    var table: String {
        "\(self["database"].stringValue ?? "?").\(self["table_name"].stringValue ?? "?")"
    }
    var status: String { self["status"].stringValue ?? "?" }
    var submittedAt: String { String((self["submitted_at"].stringValue ?? "?").prefix(19)) }
    var error: String? { self["error"].stringValue }
    var actions: String {
        (self["actions"].arrayValue ?? []).compactMap(\.stringValue).joined(separator: ",")
    }
    var isTerminal: Bool { ["completed", "failed", "cancelled"].contains(status) }

    /// The exit status that a client waiting for this job ends with.
    var exitStatus: ExitStatus { status == "completed" ? .success : .failed }

    /// One line of what is going on; nil when nothing is known.
    var progressLine: String? {
        guard let progress = self["progress"].objectValue else { return nil }
        let done = progress["done"]?.int64Value ?? 0
        let unit = progress["unit"]?.stringValue ?? ""
        let what = progress["phase"]?.stringValue ?? progress["action"]?.stringValue ?? ""
        guard let total = progress["total"]?.int64Value, total > 0 else {
            return "\(what): \(done) \(unit)"
        }
        return "\(what): \(done)/\(total) \(unit)"
    }

    /// The share done, 0 to 1; nil while the whole is not known.
    var fraction: Double? {
        guard let progress = self["progress"].objectValue,
            let done = progress["done"]?.doubleValue, let total = progress["total"]?.doubleValue,
            total > 0
        else { return nil }
        return min(1, max(0, done / total))
    }

    /// The line that says which job it is, and how it stands.
    var heading: String { "job \(id) on \(table): \(status)" }

    /// A line for each action that has ended.
    var actionLines: [String] { results.map { Self.line(of: $0) } }

    private var results: [JSONObject] {
        (self["results"].arrayValue ?? []).compactMap(\.objectValue)
    }

    private static func line(of result: JSONObject) -> String {
        let mark = result["success"]?.boolValue == true ? "ok" : "failed"
        let action = result["action"]?.stringValue ?? "?"
        let seconds = result["elapsed_seconds"]?.doubleValue ?? 0
        let text = result["error"]?.stringValue ?? result["message"]?.stringValue ?? ""
        return "\(action): \(mark), \(short(seconds)) s. \(text)"
    }

    /// The lines that tell what became of the job.
    var summaryLines: [String] {
        var lines = [heading]
        for result in results {
            lines.append("  " + Self.line(of: result))
            lines += Self.engineLine(result)
            lines += Self.planLines(result["plan"])
        }
        if let error { lines.append("  error: \(error)") }
        return lines
    }

    /// Which engine, and why; a service of an older version does not say why.
    private static func engineLine(_ result: JSONObject) -> [String] {
        guard let engine = result["engine"]?.stringValue else { return [] }
        let reason = result["engine_reason"]?.stringValue.map { ": \($0)" } ?? ""
        return ["    engine \(engine)\(reason)"]
    }

    private static func planLines(_ plan: JSONValue?) -> [String] {
        (plan?.objectValue?.members ?? []).filter { !$0.value.isNull }
            .map { "    \($0.key): \($0.value.stringValue ?? $0.value.text())" }
    }

    private static func short(_ seconds: Double) -> String {
        let hundredths = Int64((seconds * 100).rounded())
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}
