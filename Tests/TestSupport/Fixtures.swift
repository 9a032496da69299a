// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// Files that other projects wrote, read by tests and never copied into this one.
///
/// They are found through `ICEPACK_FIXTURES`, else in `shared/fixtures` beside this package or
/// above it. Use ``isAvailable`` with `.enabled(if:)`: tests then show as skipped. In continuous
/// integration (`CI` is set) they run and fail instead, so that a lost folder is noticed.
public enum Fixtures {
    /// Why tests were skipped.
    public static let reason = "no fixtures: set ICEPACK_FIXTURES to their folder"

    /// Whether tests that need them should run.
    public static var isAvailable: Bool {
        root != nil || ProcessInfo.processInfo.environment["CI"] != nil
    }

    /// A folder or file below the fixtures.
    ///
    /// - Throws: ``Missing`` when there are no fixtures or the file is not among them.
    public static func url(_ path: String) throws -> URL {
        guard let url = root?.appending(path: path),
            FileManager.default.fileExists(atPath: url.path)
        else { throw Missing(path: path) }
        return url
    }

    /// The bytes of a file.
    public static func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: url(path)))
    }

    /// The paths of all files below a folder, relative to the fixtures, in order.
    public static func files(below folder: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: url(folder).path).sorted().compactMap {
            var isFolder: ObjCBool = false
            let path = "\(folder)/\($0)"
            let exists = FileManager.default.fileExists(
                atPath: try url(path).path, isDirectory: &isFolder)
            return exists && !isFolder.boolValue ? path : nil
        }
    }

    /// A fixture that is not there.
    public struct Missing: Error, CustomStringConvertible {
        /// Which one.
        public let path: String

        /// The text form, for logs and messages.
        public var description: String { "no fixture \(path): \(Fixtures.reason)" }
    }

    private static let root: URL? = {
        if let path = ProcessInfo.processInfo.environment["ICEPACK_FIXTURES"] {
            return URL(filePath: path)
        }
        var folder = URL(filePath: #filePath)
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            let candidate = folder.appending(path: "shared/fixtures")
            if FileManager.default.fileExists(atPath: candidate.path) { return candidate }
        }
        return nil
    }()
}
