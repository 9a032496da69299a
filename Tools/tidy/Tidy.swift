// SPDX-License-Identifier: Apache-2.0

import Foundation
import TidyRules

/// Checks the checkout in the current folder, or in the one given, against the house rules.
///
/// Prints one line for each issue, as compilers do, and exits with 1 if there is any.
@main struct Tidy {
    static func main() async throws {
        let folder = CommandLine.arguments.dropFirst().first ?? "."
        let root = URL(filePath: folder, directoryHint: .isDirectory).standardizedFileURL
        let paths = try Repository.paths(in: root)
        let (files, issues) = try await check(paths, in: root)
        let all = issues + HouseRules.issues(across: files)
        for issue in all { print(issue.text) }
        guard all.isEmpty else {
            print("tidy: \(all.count) issues in \(paths.count) files")
            exit(1)
        }
        print("tidy: \(paths.count) files, nothing to say")
    }

    /// Reads and checks the files on all processors, and gives both in the order of the paths.
    private static func check(
        _ paths: [String], in root: URL
    ) async throws -> (files: [SourceFile], issues: [Issue]) {
        try await withThrowingTaskGroup(of: (Int, SourceFile, [Issue]).self) { group in
            for (index, path) in paths.enumerated() {
                group.addTask {
                    let file = try Repository.read(path, in: root)
                    return (index, file, HouseRules.issues(in: file))
                }
            }
            var results: [(Int, SourceFile, [Issue])] = []
            for try await result in group { results.append(result) }
            results.sort { $0.0 < $1.0 }
            return (results.map(\.1), results.flatMap(\.2))
        }
    }
}
