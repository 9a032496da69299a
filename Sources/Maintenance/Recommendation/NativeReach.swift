// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable

/// What the native engine leaves as it is, as far as metadata and manifests tell: a recommendation
/// must not name what would fail each time.
struct NativeReach {
    /// Iceberg's property that makes a table encrypted.
    static let encryptionProperty = "encryption.key-id"

    let metadata: TableMetadata
    let deletes: DeleteFileIndex?

    /// Why nothing that writes manifests is done to the table; nil if it is.
    var tableProblem: String? {
        metadata.properties[Self.encryptionProperty] == nil
            ? nil : "the table is encrypted (\(Self.encryptionProperty) is set)"
    }

    /// Why none of these groups is rewritten; nil if one of them is, or if there is none.
    ///
    /// - Parameter remainder: What is rewritten of a group without some files; nil if nothing is.
    func problem(
        withAllOf groups: [FileGroup], remainder: (FileGroup, Set<String>) -> FileGroup?
    ) -> String? {
        if let tableProblem { return tableProblem }
        var first: String?
        for group in groups {
            var paths: Set<String> = []
            for file in group.files {
                guard let problem = problem(withFile: file) else { continue }
                first = first ?? problem
                paths.insert(file.path)
            }
            if paths.isEmpty || remainder(group, paths) != nil { return nil }
        }
        return first.map { groups.count > 1 ? "\($0), and so on in every group" : $0 }
    }

    private func problem(withFile file: LiveFile) -> String? {
        if let problem = Self.problem(with: file) { return "\(file.path) is \(problem)" }
        // Without such deletes, which is nearly always, no file is asked about.
        guard hasUnreadDeletes, file.content == .data else { return nil }
        do throws(ScanError) {
            for delete in try deletes?.deleteFiles(for: file) ?? [] {
                guard let problem = Self.problem(with: delete) else { continue }
                return "a delete file of \(file.path) is \(problem)"
            }
        } catch {
            return "the deletes of \(file.path) contradict it: \(error)"
        }
        return nil
    }

    private var hasUnreadDeletes: Bool {
        deletes?.files.contains { Self.problem(with: $0) != nil } ?? false
    }

    private static func problem(with file: LiveFile) -> String? {
        if file.isEncrypted { return "encrypted" }
        return file.format == .orc ? "a file of ORC" : nil
    }
}
