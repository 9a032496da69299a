// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// A column by its name and those of the structs around it, outermost first.
struct ColumnName: Hashable, Sendable {
    let parts: [String]
    let position: Int

    var text: String { parts.joined(separator: ".") }
}

extension ColumnName {
    /// The column of this name.
    func field(in schema: Schema) throws(ConditionError) -> NestedField {
        var level = schema.fields
        var found: NestedField?
        var path: [String] = []
        for part in parts {
            if let found, level.isEmpty { throw notDivided(found, path, part) }
            let next = try match(part, among: level)
            path.append(next.name)
            found = next
            if case .structure(let fields) = next.type { level = fields } else { level = [] }
        }
        guard let found else { throw ConditionError("names no column", at: position) }
        return found
    }

    private func notDivided(
        _ field: NestedField, _ path: [String], _ part: String
    ) -> ConditionError {
        ConditionError(
            "names \(part) in the column \(path.joined(separator: ".")), which is no struct; only "
                + "columns and members of structs can be asked about, and names with a point are "
                + "written in back quotes", at: position)
    }

    /// The field of a name: in the same letters, else in any case, as Spark finds it.
    private func match(
        _ part: String, among fields: [NestedField]
    ) throws(ConditionError) -> NestedField {
        if let exact = fields.first(where: { $0.name == part }) { return exact }
        let lowered = part.lowercased()
        let matches = fields.filter { $0.name.lowercased() == lowered }
        if matches.count == 1 { return matches[0] }
        guard matches.isEmpty else {
            throw ConditionError(
                "names the column \(text), which may be "
                    + matches.map(\.name).joined(separator: " or ")
                    + "; write it in its own letters", at: position)
        }
        let nearest = ClosestName.suggestion(for: part, among: fields.map(\.name))
        let advice = nearest.map { "; did you mean \($0)?" } ?? ""
        throw ConditionError(
            "names the column \(text), which the table does not have\(advice)", at: position)
    }
}
