// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Writes a whole file so that a reader, and a crash at any line, finds all of it or nothing.
///
/// 1. Write a new file under a name of its own in the same folder, and flush it to the disk.
/// 2. Give it its name: by a hard link, which fails where the name is taken, or by a rename.
/// 3. Flush the folder.
///
/// A failure before step 2 leaves nothing under the name. One in step 3 leaves the file there but
/// perhaps not after a power cut, so its outcome is unknown.
struct AtomicWrite {
    let location: Location
    let path: LocalPath

    /// The end of the names of files that are being written; no writer of tables uses it.
    static let partialSuffix = ".icepack-partial"

    func run(_ bytes: [UInt8], condition: WriteCondition) throws(StorageError) -> ObjectInfo {
        let file = try begin()
        do throws(StorageError) { try file.append(bytes) } catch {
            file.discard()
            throw error
        }
        return try file.publish(under: condition)
    }

    /// Takes step 1 for a file whose bytes are still to come.
    func begin() throws(StorageError) -> PartialFile {
        guard !path.isFolder else {
            throw .unsupported(location, reason: "an object's name cannot end in a slash")
        }
        let folder = path.parent
        do throws(SystemError) {
            try Self.makeFolders(folder)
            return try PartialFile(
                at: folder.appending(Self.partialName()), of: location, path: path)
        } catch {
            throw cannotBegin(error)
        }
    }

    private func cannotBegin(_ error: SystemError) -> StorageError {
        // "Not found" would be an odd answer to a write: something in the way is no folder.
        error.code == ENOENT || error.code == ENOTDIR
            ? .denied(location, reason: error.reason) : error.storageError(location)
    }

    private static func partialName() -> String {
        let number = UInt64.random(in: .min ... .max)
        return ".\(String(number, radix: 16)).\(getpid())\(partialSuffix)"
    }

    /// Makes a folder and those above it that are missing, each flushed into its own parent.
    static func makeFolders(_ folder: LocalPath) throws(SystemError) {
        do throws(SystemError) {
            var status = stat()
            _ = try retryingInterrupts("stat") { stat(folder.text, &status) }
            guard status.isDirectory else { throw SystemError("mkdir", code: ENOTDIR) }
            return
        } catch {
            guard error.code == ENOENT, folder.parent != folder else { throw error }
        }
        try makeFolders(folder.parent)
        do throws(SystemError) {
            _ = try retryingInterrupts("mkdir") { mkdir(folder.text, 0o777) }
        } catch {
            // Somebody else made it in the meantime.
            guard error.code == EEXIST else { throw error }
        }
        try synchronise(folder.parent)
    }

    static func synchronise(_ folder: LocalPath) throws(SystemError) {
        let directory = try Descriptor(opening: folder, flags: O_RDONLY | O_DIRECTORY)
        do throws(SystemError) { try directory.synchronise() } catch {
            // Some file systems cannot flush a folder and keep names safe by other means.
            guard error.code == EINVAL else { throw error }
        }
    }
}
