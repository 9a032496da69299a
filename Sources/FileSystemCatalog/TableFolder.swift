// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import IcebergSpec
import ObjectStorage

/// One table's folder in the Hadoop layout, and which of its metadata files is the current one.
struct TableFolder<Storage: ObjectStorage>: Sendable {
    let location: Location
    let storage: Storage

    /// The current metadata file.
    enum Current: Hashable, Sendable {
        /// A numbered one: the table can be committed to.
        case version(VersionFileName)
        /// One that the hint names: another catalog decides about this table.
        case named(String)

        var fileName: String {
            switch self {
            case .version(let name): name.text
            case .named(let name): name
            }
        }
    }

    var metadataFolder: Location { location.appending(MetadataFileName.folderName) }

    /// Begins at the hint and looks past it, because it may be behind.
    ///
    /// Without a hint that leads
    /// to a file the highest version there is counts. Nil if this is no table.
    func current() async throws(StorageError) -> Current? {
        switch try await hint() {
        case .version(let version):
            if let found = try await find(version) { return .version(try await last(from: found)) }
        case .name(let name):
            for suffix in VersionFileName.Spelling.allCases.map(\.suffix) {
                if try await exists(name + suffix) { return .named(name + suffix) }
            }
        case nil: break
        }
        return try await versions().max().map { .version($0) }
    }

    /// Every numbered metadata file.
    func versions() async throws(StorageError) -> [VersionFileName] {
        try await storage.children(of: metadataFolder).compactMap { child in
            switch child {
            case .object: VersionFileName(child.name)
            case .prefix: nil
            }
        }
    }

    /// Whether the folder's metadata makes it a table: a version file or a hint.
    func isTable() async throws(StorageError) -> Bool {
        try await storage.children(of: metadataFolder).contains { child in
            switch child {
            case .object:
                child.name == VersionHint.fileName || VersionFileName(child.name) != nil
            case .prefix: false
            }
        }
    }

    /// The hint, or nil if there is none to be made sense of.
    func hint() async throws(StorageError) -> VersionHint? {
        let location = metadataFolder.appending(VersionHint.fileName)
        do throws(StorageError) {
            return VersionHint(
                try await storage.read(location, limit: VersionHint.maximumByteCount))
        } catch {
            switch error {
            case .notFound, .tooLarge: return nil
            case .alreadyExists, .denied, .unavailable, .outcomeUnknown, .unsupported: throw error
            }
        }
    }

    /// Brings the hint up to a version, never back.
    ///
    /// Best effort: readers look past a hint that is behind.
    func advanceHint(to version: Int) async {
        do throws(StorageError) {
            if case .version(let hinted) = try await hint(), hinted >= version { return }
            // Hadoop's local file system would check the new hint against the old sum.
            _ = await storage.remove([metadataFolder.appending(VersionHint.checksumFileName)])
            try await storage.write(
                Array(String(version).utf8), to: metadataFolder.appending(VersionHint.fileName),
                condition: .none)
        } catch {
            return
        }
    }

    private func last(from start: VersionFileName) async throws(StorageError) -> VersionFileName {
        var last = start
        while let next = try await find(last.version + 1) { last = next }
        return last
    }

    private func find(_ version: Int) async throws(StorageError) -> VersionFileName? {
        for spelling in VersionFileName.Spelling.allCases {
            let name = VersionFileName(version: version, spelling: spelling)
            if try await exists(name.text) { return name }
        }
        return nil
    }

    private func exists(_ name: String) async throws(StorageError) -> Bool {
        try await storage.stat(metadataFolder.appending(name)) != nil
    }
}
