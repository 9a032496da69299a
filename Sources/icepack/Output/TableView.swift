// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// Shows the service's documents about a table to people.
struct TableView {
    private let document: JSONObject

    init(_ json: JSONValue) { document = json.objectValue ?? JSONObject() }

    /// What the table looks like: one line for each number.
    var statusLines: [String] {
        var rows: [[String]] = []
        for group in ["table", "snapshots", "files", "manifests", "metadata", "properties"] {
            for member in document[group]?.objectValue?.members ?? [] {
                rows.append([group, member.key, Self.text(member.value)])
            }
        }
        var lines = TextTable.shown(heading: ["OF", "WHAT", "VALUE"], rows: rows)
        let partitions = document["partitions"]?.objectValue
        let top = (partitions?["top"]?.arrayValue ?? []).compactMap(\.objectValue)
        if !top.isEmpty {
            lines.append("")
            lines += TextTable.shown(
                heading: ["PARTITION", "FILES", "SMALL", "BYTES"],
                rows: top.map { partition in
                    ["partition", "files", "small_files", "bytes"].map {
                        Self.text(partition[$0] ?? .null)
                    }
                })
        }
        return lines + warningLines(document["collection"]?.objectValue)
    }

    /// The verdict, and a line for each issue.
    var healthLines: [String] {
        let verdict = Self.text(document["health_status"] ?? .null)
        let issues = (document["issues"]?.arrayValue ?? []).compactMap(\.objectValue)
        var lines = [Self.verdictStyles[verdict].map { Console.styled(verdict, $0) } ?? verdict]
        if !issues.isEmpty {
            lines += TextTable.shown(
                heading: ["SEVERITY", "ISSUE", "WHAT"],
                rows: issues.map { issue in
                    ["severity", "code", "message"].map { Self.text(issue[$0] ?? .null) }
                },
                style: { issues[$0]["severity"] == "critical" ? .red : .yellow })
        }
        return lines + warningLines(document["collection"]?.objectValue)
    }

    private static let verdictStyles: [String: Console.Style] = [
        "Healthy": .green, "Warning": .yellow, "Critical": .red,
    ]

    /// What should be run, with the reason for every yes and every no.
    var recommendationLines: [String] {
        let actions = (document["actions"]?.arrayValue ?? []).compactMap(\.objectValue)
        var lines = TextTable.shown(
            heading: ["ACTION", "RECOMMENDED", "WHY"],
            rows: actions.map { action in
                [
                    Self.text(action["action"] ?? .null),
                    action["recommended"]?.boolValue == true ? "yes" : "no",
                    Self.text(action["reason"] ?? .null),
                ]
            },
            style: { actions[$0]["recommended"]?.boolValue == true ? .green : nil })
        let wanted = (document["recommended_actions"]?.arrayValue ?? []).compactMap(\.stringValue)
        lines.append("")
        lines.append(
            wanted.isEmpty
                ? "Nothing should be run now." : "To run now: \(wanted.joined(separator: ", "))")
        for skip in (document["skip_details"]?.arrayValue ?? []).compactMap(\.objectValue) {
            lines.append("  \(Self.text(skip["reason"] ?? .null))")
        }
        return lines + warningLines(document)
    }

    /// Each setting, where it came from and what follows.
    var policyLines: [String] {
        TextTable.shown(
            heading: ["SETTING", "VALUE", "FROM", "INSTEAD OF", "SO"],
            rows: (document["policy"]?.objectValue?.members ?? []).map { setting in
                let details = setting.value.objectValue
                let others = (details?["overridden"]?.arrayValue ?? []).compactMap(\.objectValue)
                let instead = others.map {
                    "\(Self.text($0["value"] ?? .null)) (\(Self.text($0["origin"] ?? .null)))"
                }
                return [setting.key]
                    + ["value", "origin"].map { Self.text(details?[$0] ?? .null) }
                    + [instead.isEmpty ? "-" : instead.joined(separator: ", ")]
                    + [Self.text(details?["follows"] ?? .null)]
            })
    }

    private func warningLines(_ holder: JSONObject?) -> [String] {
        (holder?["warnings"]?.arrayValue ?? []).compactMap(\.stringValue).map {
            "warning: \($0)"
        }
    }

    /// A value in one cell.
    private static func text(_ value: JSONValue) -> String {
        switch value {
        case .null: "-"
        case .string(let text): text
        case .bool, .number, .array, .object: value.text()
        }
    }
}
