// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A file of a name of its own, beside the place that it will have once it is whole.
///
/// Ends with ``publish(under:)`` or ``discard()``, whatever happens; a crash alone leaves it, and
/// its name says what it is. Its calls block. Used by one caller at a time.
final class PartialFile: Sendable {
    private let location: Location
    private let path: LocalPath
    private let partial: LocalPath
    private let file: Descriptor

    init(at partial: LocalPath, of location: Location, path: LocalPath) throws(SystemError) {
        self.location = location
        self.path = path
        self.partial = partial
        file = try Descriptor(opening: partial, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
    }

    func append(_ bytes: [UInt8]) throws(StorageError) {
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
        if let failure { throw failure.storageError(location) }
    }

    /// Removes it.
    ///
    /// Best effort: the fault that led here is the one that matters, and the name says what a
    /// leftover is.
    func discard() { unlink(partial.text) }

    /// Takes the steps 2 and 3 of ``AtomicWrite``.
    func publish(under condition: WriteCondition) throws(StorageError) -> ObjectInfo {
        let info: ObjectInfo
        do throws(SystemError) {
            try file.synchronise()
            info = try file.status().objectInfo(location)
        } catch {
            discard()
            throw error.storageError(location)
        }
        do throws(SystemError) { try giveName(under: condition) } catch {
            discard()
            throw outcome(of: error)
        }
        do throws(SystemError) { try AtomicWrite.synchronise(path.parent) } catch {
            throw .outcomeUnknown(location, reason: error.reason)
        }
        return info
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

    private func giveName(under condition: WriteCondition) throws(SystemError) {
        switch condition {
        case .none:
            _ = try retryingInterrupts("rename") { rename(partial.text, path.text) }
        case .absent: try linkWithoutReplacing()
        }
    }

    private func linkWithoutReplacing() throws(SystemError) {
        do throws(SystemError) {
            _ = try retryingInterrupts("link") { link(partial.text, path.text) }
        } catch {
            // A second try over NFS can meet the link that the first one made.
            guard error.code == EEXIST, try file.status().st_nlink == 2 else { throw error }
        }
        // The object is there under its own name; a second name that stays is only litter.
        unlink(partial.text)
    }
}
