// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Copies files of one file system by giving them a second name.
///
/// Objects are never changed in place, so a hard link is a copy that costs nothing and cannot be
/// half done. Where there are no hard links, or between file systems, bytes are copied. The folders
/// of all copies are flushed once, at the end.
struct LocalCopy {
    /// A copy with the paths that its locations mean.
    struct Item {
        let copy: ObjectCopy
        let source: LocalPath
        let destination: LocalPath
    }

    private static let chunkSize = 1 << 20

    /// Copies files; each has its own outcome, in the order asked.
    static func run(_ items: [Item]) -> [CopyOutcome] {
        var folders: Set<LocalPath> = []
        var outcomes = items.map { item -> CopyOutcome in
            do throws(StorageError) {
                let info = try copy(item, madeFolders: &folders)
                return .copied(info)
            } catch {
                return .failed(error)
            }
        }
        var unsafe: [LocalPath: String] = [:]
        for folder in folders {
            do throws(SystemError) { try AtomicWrite.synchronise(folder) } catch {
                unsafe[folder] = error.reason
            }
        }
        for (index, item) in items.enumerated() {
            guard let reason = unsafe[item.destination.parent] else { continue }
            outcomes[index] = .failed(.outcomeUnknown(item.copy.destination, reason: reason))
        }
        return outcomes
    }

    private static func copy(
        _ item: Item, madeFolders: inout Set<LocalPath>
    ) throws(StorageError) -> ObjectInfo {
        let before = try status(of: item.source, item.copy.source.location)
        let info = before.objectInfo(item.copy.source.location)
        if let difference = item.copy.source.difference(from: info) {
            throw .unavailable(item.copy.source.location, reason: difference)
        }
        let folder = item.destination.parent
        if !madeFolders.contains(folder) {
            do throws(SystemError) { try AtomicWrite.makeFolders(folder) } catch {
                throw error.storageError(item.copy.destination)
            }
            madeFolders.insert(folder)
        }
        let isLinked = try linked(item)
        if !isLinked { try copyBytes(item) }
        let after = try status(of: item.destination, item.copy.destination)
        guard after.st_size == before.st_size, !isLinked || after.st_ino == before.st_ino else {
            throw .outcomeUnknown(
                item.copy.destination, reason: "what was read back is not the copy")
        }
        return after.objectInfo(item.copy.destination)
    }

    /// False where the file system, or the distance, allows no hard link.
    private static func linked(_ item: Item) throws(StorageError) -> Bool {
        do throws(SystemError) {
            _ = try retryingInterrupts("link") { link(item.source.text, item.destination.text) }
            return true
        } catch {
            switch error.code {
            case EPERM, EOPNOTSUPP, EMLINK, EXDEV: return false
            case EEXIST: throw .alreadyExists(item.copy.destination)
            case EIO: throw .outcomeUnknown(item.copy.destination, reason: error.reason)
            default: throw error.storageError(item.copy.source.location)
            }
        }
    }

    private static func copyBytes(_ item: Item) throws(StorageError) {
        let source: Descriptor
        do throws(SystemError) {
            source = try Descriptor(opening: item.source, flags: O_RDONLY | O_NOFOLLOW)
        } catch {
            throw error.storageError(item.copy.source.location)
        }
        do throws(SystemError) {
            let target = try Descriptor(
                opening: item.destination, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
            do throws(SystemError) {
                try pour(source, into: target)
                try target.synchronise()
            } catch {
                unlink(item.destination.text)
                throw error
            }
        } catch {
            throw error.storageError(item.copy.destination)
        }
    }

    private static func pour(
        _ source: borrowing Descriptor, into target: borrowing Descriptor
    ) throws(SystemError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: chunkSize, alignment: MemoryLayout<UInt64>.alignment)
        defer { buffer.deallocate() }
        let (from, to) = (source.number, target.number)
        while true {
            let count = try retryingInterrupts("read") {
                read(from, buffer.baseAddress, buffer.count)
            }
            if count == 0 { return }
            var written = 0
            while written < count {
                let rest = UnsafeRawBufferPointer(rebasing: buffer[written..<count])
                written += try retryingInterrupts("write") {
                    write(to, rest.baseAddress, rest.count)
                }
            }
        }
    }

    /// What a name itself is, not what it points to.
    private static func status(
        of path: LocalPath, _ location: Location
    ) throws(StorageError) -> stat {
        do throws(SystemError) {
            var status = stat()
            _ = try retryingInterrupts("stat") { lstat(path.text, &status) }
            guard status.isRegularFile else { throw SystemError("stat", code: EINVAL) }
            return status
        } catch {
            throw error.storageError(location)
        }
    }
}
