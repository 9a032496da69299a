// SPDX-License-Identifier: Apache-2.0

import Foundation
public import ObjectStorage

/// A folder of a test's own, removed when the test lets go of it.
public final class ScratchFolder: Sendable {
    /// Its absolute path.
    public let path: String

    /// Makes an empty folder.
    public init() throws {
        let url = FileManager.default.temporaryDirectory
            .appending(path: "icepack-\(UUID().uuidString.lowercased())")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit {
        // A test may have taken the right to read from a folder; nothing depends on the removal.
        try? FileManager.default.removeItem(atPath: path)
    }

    /// It as a location.
    public var location: Location { Location(path) }

    /// A location below it.
    public func appending(_ name: String) -> Location { location.appending(name) }
}
