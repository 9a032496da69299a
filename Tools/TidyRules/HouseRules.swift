// SPDX-License-Identifier: Apache-2.0

/// All rules of the house, applied to a set of files.
public enum HouseRules {
    private static let fileRules: [@Sendable (SourceFile) -> [Issue]] = [
        LayerRule.check,
        LengthRules.fileLength,
        LengthRules.functionLength,
        LengthRules.lineLength,
        SQLRule.check,
        TextRules.header,
        TextRules.places,
        TextRules.whitespace,
        WordRules.bannedWords,
    ]

    private static let repositoryRules: [@Sendable ([SourceFile]) -> [Issue]] = [
        DecisionRecordRule.check,
        LayerRule.architecture,
    ]

    /// The names of what our own protocols require, from all files of the product.
    public static func requirements(in files: [SourceFile]) -> Set<String> {
        files.filter(\.isSwift).reduce(into: []) { $0.formUnion($1.requirements) }
    }

    /// What one file does wrong, in the order of its lines.
    public static func issues(
        in file: SourceFile, requirements: Set<String> = []
    ) -> [Issue] {
        let documentation = DocumentationRule.check(file, requirements: requirements)
        return (documentation + fileRules.flatMap { $0(file) }).sorted { $0.line < $1.line }
    }

    /// What the files do wrong together.
    public static func issues(across files: [SourceFile]) -> [Issue] {
        repositoryRules.flatMap { $0(files) }
    }
}
