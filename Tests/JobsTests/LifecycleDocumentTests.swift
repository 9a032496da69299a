// SPDX-License-Identifier: Apache-2.0

import Foundation
import Jobs
import Testing

/// The picture in `docs/job-lifecycle.md` is that of ``JobStatus``.
@Suite struct LifecycleDocumentTests {
    /// The picture's arrows as pairs of states; `[*]` is where it begins and ends.
    private static func arrows() throws -> [(from: String, to: String)] {
        let document = URL(filePath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "docs/job-lifecycle.md")
        let text = try String(contentsOf: document, encoding: .utf8)
        return text.split(separator: "\n").compactMap { line in
            let ends = line.split(separator: ":")[0].split(separator: " ")
            guard ends.count == 3, ends[1] == "-->" else { return nil }
            return (String(ends[0]), String(ends[2]))
        }
    }

    @Test func `the picture shows every status and no other`() throws {
        let arrows = try Self.arrows()

        let shown = Set(arrows.flatMap { [$0.from, $0.to] }).subtracting(["[*]"])

        #expect(shown == Set(JobStatus.allCases.map(\.rawValue)))
    }

    @Test(arguments: JobStatus.allCases)
    func `nothing follows a terminal status, and something follows every other`(
        status: JobStatus
    ) throws {
        let followers = try Self.arrows().filter { $0.from == status.rawValue }.map(\.to)

        #expect(status.isTerminal == (followers == ["[*]"]))
        #expect(!followers.isEmpty)
    }
}
