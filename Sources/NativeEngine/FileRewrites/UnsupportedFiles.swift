// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Maintenance

/// Files of a group that are left as they are while the others may be rewritten.
struct UnsupportedFiles: Sendable {
    private(set) var files: [LiveFile] = []
    /// Why the first of them is left.
    private var first = ""

    var isEmpty: Bool { files.isEmpty }
    var paths: Set<String> { Set(files.map(\.path)) }

    /// Why they are left, by the first.
    var reason: String {
        let others = files.count - 1
        guard others > 0 else { return first }
        return "\(first), and \(ReportWording.count(others, "more file"))"
    }

    /// Takes note of a file, which the reason names.
    mutating func add(_ file: LiveFile, because reason: String) {
        if files.isEmpty { first = reason }
        files.append(file)
    }
}

extension RefusedGroup {
    /// Files of a group that are left without the others.
    init(_ left: UnsupportedFiles, of group: FileGroup, _ names: PartitionNames) {
        self.init(
            partition: names.name(of: group.partition), files: left.files.count,
            bytes: left.files.reduce(0) { $0 &+ $1.sizeInBytes }, reason: left.reason)
    }
}
