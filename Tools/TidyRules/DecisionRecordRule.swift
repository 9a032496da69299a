// SPDX-License-Identifier: Apache-2.0

/// Decision records are `docs/adr/NNNN-title.md`, each number once, with its four parts.
enum DecisionRecordRule {
    private static let parts = ["Context", "Decision", "Alternatives", "Consequences"]

    static func check(_ files: [SourceFile]) -> [Issue] {
        var issues: [Issue] = []
        var pathByNumber: [Substring: String] = [:]
        let records = files.filter { $0.path.hasPrefix("docs/adr/") && $0.path.hasSuffix(".md") }
        for file in records.sorted(by: { $0.path < $1.path }) {
            let name = file.path.dropFirst("docs/adr/".count)
            let number = name.prefix(4)
            guard number.utf8.count == 4, number.allSatisfy(\.isNumber),
                name.dropFirst(4).hasPrefix("-")
            else {
                issues.append(file.issue("decision-record", line: 1, "name it NNNN-title.md"))
                continue
            }
            if let other = pathByNumber.updateValue(file.path, forKey: number) {
                let message = "the number \(number) is also that of \(other)"
                issues.append(file.issue("decision-record", line: 1, message))
            }
            for part in parts where !file.lines.contains(where: { $0.isHeading(part) }) {
                let message = "no section \"## \(part)\""
                issues.append(file.issue("decision-record", line: 1, message))
            }
        }
        return issues
    }
}

extension Substring {
    fileprivate func isHeading(_ title: String) -> Bool {
        lowercased().hasPrefix("## " + title.lowercased())
    }
}
