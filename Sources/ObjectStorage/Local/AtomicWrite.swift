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
        guard !path.isFolder else {
            throw .unsupported(location, reason: "an object's name cannot end in a slash")
        }
        let folder = path.parent
        let partial = folder.appending(Self.partialName())
        let file: Descriptor
        let info: ObjectInfo
        do throws(SystemError) {
            try Self.makeFolders(folder)
            file = try Descriptor(opening: partial, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
        } catch {
            throw cannotBegin(error)
        }
        do throws(SystemError) {
            try Self.fill(file, with: bytes)
            info = try file.status().objectInfo(location)
        } catch {
            // Best effort: the fault that is reported is the one that matters, and the name says
            // what a leftover is.
            unlink(partial.text)
            throw error.storageError(location)
        }
        do throws(SystemError) {
            try publish(partial, file, condition: condition)
        } catch {
            unlink(partial.text)
            throw outcome(of: error)
        }
        do throws(SystemError) { try Self.synchronise(folder) } catch {
            throw .outcomeUnknown(location, reason: error.reason)
        }
        return info
    }

    private func cannotBegin(_ error: SystemError) -> StorageError {
        // "Not found" would be an odd answer to a write: something in the way is no folder.
        error.code == ENOENT || error.code == ENOTDIR
            ? .denied(location, reason: error.reason) : error.storageError(location)
    }

    private func outcome(of error: SystemError) -> StorageError {
        switch error.code {
        // A device that fails while a name is given may have given it.
        case EIO: .outcomeUnknown(location, reason: error.reason)
        case EPERM where error.call == "link", EOPNOTSUPP, EMLINK:
            .unsupported(
                location,
                reason: "\(error.reason); creating without replacing needs hard links, which this"
                    + " file system does not have")
        default: error.storageError(location)
        }
    }

    private func publish(
        _ partial: LocalPath, _ file: borrowing Descriptor, condition: WriteCondition
    ) throws(SystemError) {
        switch condition {
        case .none:
            _ = try retryingInterrupts("rename") { rename(partial.text, path.text) }
        case .absent:
            try linkWithoutReplacing(partial, file)
        }
    }

    private func linkWithoutReplacing(
        _ partial: LocalPath, _ file: borrowing Descriptor
    ) throws(SystemError) {
        do throws(SystemError) {
            _ = try retryingInterrupts("link") { link(partial.text, path.text) }
        } catch {
            // A second try over NFS can meet the link that the first one made.
            guard error.code == EEXIST, try file.status().st_nlink == 2 else { throw error }
        }
        // The object is there under its own name; a second name that stays is only litter.
        unlink(partial.text)
    }

    private static func partialName() -> String {
        let number = UInt64.random(in: .min ... .max)
        return ".\(String(number, radix: 16)).\(getpid())\(partialSuffix)"
    }

    private static func fill(
        _ file: borrowing Descriptor, with bytes: [UInt8]
    ) throws(SystemError) {
        let number = file.number
        var failure: SystemError?
        bytes.withUnsafeBytes { buffer in
            var written = 0
            do throws(SystemError) {
                while written < buffer.count {
                    let rest = UnsafeRawBufferPointer(rebasing: buffer[written...])
                    written += try retryingInterrupts("write") {
                        write(number, rest.baseAddress, rest.count)
                    }
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        try file.synchronise()
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
