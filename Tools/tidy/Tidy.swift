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
        let files = try await concurrently(paths) { try Repository.read($0, in: root) }
        let requirements = HouseRules.requirements(in: files)
        let issues = await concurrently(files) {
            HouseRules.issues(in: $0, requirements: requirements)
        }
        let all = issues.flatMap(\.self) + HouseRules.issues(across: files)
        for issue in all { print(issue.text) }
        guard all.isEmpty else {
            print("tidy: \(all.count) issues in \(paths.count) files")
            exit(1)
        }
        print("tidy: \(paths.count) files, nothing to say")
    }

    /// Maps on all processors and keeps the order.
    private static func concurrently<Input: Sendable, Output: Sendable>(
        _ inputs: [Input], _ transform: @escaping @Sendable (Input) throws -> Output
    ) async rethrows -> [Output] {
        try await withThrowingTaskGroup(of: (Int, Output).self) { group in
            for (index, input) in inputs.enumerated() {
                group.addTask { (index, try transform(input)) }
            }
            var results: [(Int, Output)] = []
            for try await result in group { results.append(result) }
            return results.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}
