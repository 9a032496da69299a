// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// The text files of a checkout.
public enum Repository {
    /// Folders that hold what builds, caches and runs leave behind.
    private static let skippedFolders: Set<String> = [
        ".build", ".cache", ".demo", ".git", ".hypothesis", ".swiftpm", ".venv", ".venv-chart",
        "__pycache__", "icepack-data", "warehouse",
    ]

    /// Kinds of file that the rules read; those without an extension are scripts.
    private static let textExtensions: Set<String> = [
        "", "c", "h", "json", "md", "modulemap", "py", "sh", "sql", "swift", "toml", "txt",
        "yaml", "yml",
    ]

    /// What the package manager writes.
    private static let skippedFiles: Set<String> = ["Package.resolved", "LICENSE"]

    /// Paths, from the root, of every file that the rules read, sorted.
    public static func paths(in root: URL) throws -> [String] {
        var found: [String] = []
        try collect(root, prefix: "", into: &found)
        return found.sorted()
    }

    /// Reads one file.
    public static func read(_ path: String, in root: URL) throws -> SourceFile {
        let data = try Data(contentsOf: root.appending(path: path))
        return SourceFile(path: path, text: String(decoding: data, as: UTF8.self))
    }

    private static func collect(
        _ folder: URL, prefix: String, into found: inout [String]
    ) throws {
        let entries = try FileManager.default.contentsOfDirectory(
            at: folder, includingPropertiesForKeys: [.isDirectoryKey, .isSymbolicLinkKey])
        for entry in entries {
            let name = entry.lastPathComponent
            let values = try entry.resourceValues(forKeys: [.isDirectoryKey, .isSymbolicLinkKey])
            if values.isDirectory == true {
                guard !skippedFolders.contains(name) else { continue }
                try collect(entry, prefix: prefix + name + "/", into: &found)
            } else if values.isSymbolicLink != true, !skippedFiles.contains(name),
                // `.git` is a file in a linked work tree.
                name != ".git", textExtensions.contains(entry.pathExtension.lowercased())
            {
                found.append(prefix + name)
            }
        }
    }
}
