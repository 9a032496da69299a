// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The folder of a demonstration, which the next one replaces.
///
/// Invariant: nothing is ever removed from a folder without ``marker``, and a folder gets it only
/// while it is empty. The marker stays until everything else is gone, so that a removal that was
/// cut short can be finished.
package struct DemoFolder: Sendable {
    /// The file that says whose folder it is.
    package static let marker = ".icepack-demo"
    private static let text = """
        This folder belongs to `icepack demo`, which replaces everything in it.

        """

    /// The folder's absolute path.
    package let path: String

    /// Takes a folder that is missing, empty or a demonstration's, and empties it.
    ///
    /// - Throws: ``DemoFolderError`` for any other, which is left as it is.
    package init(replacing folder: String) throws(DemoFolderError) {
        let url = URL(filePath: folder).standardizedFileURL
        path = url.path(percentEncoded: false)
        do {
            let names = try Self.names(in: path)
            guard names.isEmpty || Self.isMarked(path, names) else {
                throw DemoFolderError(
                    "\(path) has files in it and is no demonstration's folder: it stays as it is")
            }
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
            try Data(Self.text.utf8).write(to: url.appending(path: Self.marker))
            for name in names where name != Self.marker {
                try FileManager.default.removeItem(at: url.appending(path: name))
            }
        } catch let error as DemoFolderError {
            throw error
        } catch {
            throw DemoFolderError("\(path) cannot be used: \(error)")
        }
    }

    /// The path of something in the folder.
    package func appending(_ name: String) -> String {
        URL(filePath: path).appending(path: name).path(percentEncoded: false)
    }

    /// What is in a folder; nothing where there is none.
    private static func names(in path: String) throws -> [String] {
        let manager = FileManager.default
        // Asked of the name itself: a link may lead into a folder that is not ours.
        guard let kind = try? manager.attributesOfItem(atPath: path)[.type] as? FileAttributeType
        else { return [] }
        guard kind == .typeDirectory else {
            throw DemoFolderError("\(path) is no folder: it stays as it is")
        }
        return try manager.contentsOfDirectory(atPath: path)
    }

    private static func isMarked(_ path: String, _ names: [String]) -> Bool {
        guard names.contains(marker) else { return false }
        let file = URL(filePath: path).appending(path: marker)
        return (try? Data(contentsOf: file)) == Data(text.utf8)
    }
}

/// Why a folder is not used for a demonstration.
package struct DemoFolderError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A sentence for a person.
    package let description: String

    init(_ description: String) { self.description = description }
}
