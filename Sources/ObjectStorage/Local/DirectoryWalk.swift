// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Goes through a folder and those below it, a bounded batch of entries at a time.
///
/// Symbolic links are neither followed nor listed, so a walk never leaves its root; sockets, pipes
/// and devices are not objects. What cannot be read is an error. Used by one caller at a time.
final class DirectoryWalk {
    /// The most entries of one batch, which bounds what a huge folder holds in memory.
    static let batchSize = 1000

    private let root: LocalPath
    private let prefix: Location
    private var folders: [(path: LocalPath, location: Location)]
    private var open: (handle: OpaquePointer, path: LocalPath, location: Location)?

    init(root: LocalPath, prefix: Location) {
        self.root = root
        self.prefix = prefix
        folders = [(root, prefix)]
    }

    deinit {
        if let open { closedir(open.handle) }
    }

    /// The next objects, in no order; nil at the end.
    func nextBatch() throws(StorageError) -> [ObjectInfo]? {
        var batch: [ObjectInfo] = []
        while batch.count < Self.batchSize {
            switch try nextEntry() {
            case .object(let info): batch.append(info)
            case .prefix(let location):
                if let open {
                    folders.append((open.path.appending(location.lastComponent), location))
                }
            case nil:
                guard try openNextFolder() else { return batch.isEmpty ? nil : batch }
            }
        }
        return batch
    }

    /// What lies directly in the root.
    func children() throws(StorageError) -> [StorageChild] {
        var children: [StorageChild] = []
        guard try openNextFolder() else { return [] }
        while let child = try nextEntry() { children.append(child) }
        return children
    }

    /// False when there are no more.
    private func openNextFolder() throws(StorageError) -> Bool {
        while let (path, location) = folders.popLast() {
            let isRoot = path == root
            // Only the root may be a link: it was configured, the others were found.
            let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (isRoot ? 0 : O_NOFOLLOW)
            let descriptor = Glibc.open(path.text, flags)
            guard descriptor >= 0 else {
                let error = SystemError("opendir")
                // Gone since it was found, or never there: nothing lies in it.
                if error.code == ENOENT || (isRoot && error.code == ENOTDIR) { continue }
                throw failure(error, location)
            }
            guard let handle = fdopendir(descriptor) else {
                let error = SystemError("opendir")
                close(descriptor)
                throw failure(error, location)
            }
            open = (handle, path, location)
            return true
        }
        return false
    }

    /// The next entry of the open folder; nil at its end, or when none is open.
    private func nextEntry() throws(StorageError) -> StorageChild? {
        guard let open else { return nil }
        while true {
            errno = 0
            guard let entry = readdir(open.handle) else {
                let error = SystemError("readdir")
                closedir(open.handle)
                self.open = nil
                guard error.code == 0 else { throw failure(error, open.location) }
                return nil
            }
            let name = try name(of: entry, in: open.location)
            if name == "." || name == ".." { continue }
            if let child = try child(name, handle: open.handle, in: open.location) { return child }
        }
    }

    private func child(
        _ name: String, handle: OpaquePointer, in folder: Location
    ) throws(StorageError) -> StorageChild? {
        let location = folder.appending(name)
        var status = stat()
        guard fstatat(dirfd(handle), name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            let error = SystemError("stat")
            if error.code == ENOENT { return nil }
            throw failure(error, location)
        }
        if status.isDirectory { return .prefix(location) }
        return status.isRegularFile ? .object(status.objectInfo(location)) : nil
    }

    private func name(
        of entry: UnsafeMutablePointer<dirent>, in folder: Location
    ) throws(StorageError) -> String {
        // Through the entry itself: names may be longer than the array of its declaration.
        let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
        let start = UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self)
        guard let name = String(validatingCString: start) else {
            let spelled = Self.escaped(UnsafeRawBufferPointer(start: start, count: strlen(start)))
            throw .unsupported(
                folder, reason: "it holds \(spelled), a name that is not UTF-8: rename it")
        }
        return name
    }

    /// A name as ASCII, with every other byte as `\xNN`, which the shell reads in `$'…'`.
    private static func escaped(_ name: UnsafeRawBufferPointer) -> String {
        name.reduce(into: "") { text, byte in
            if (0x21...0x7E).contains(byte), byte != UInt8(ascii: "\\") {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                text += byte < 16 ? "\\x0\(digits)" : "\\x\(digits)"
            }
        }
    }

    private func failure(_ error: SystemError, _ location: Location) -> StorageError {
        // A folder that turned into something else under our hands must not look empty.
        error.code == ENOTDIR || error.code == ELOOP
            ? .unavailable(location, reason: error.reason) : error.storageError(location)
    }
}
