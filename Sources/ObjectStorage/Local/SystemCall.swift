// SPDX-License-Identifier: Apache-2.0

import Glibc

/// An `errno` with the call that set it.
struct SystemError: Error, Hashable, Sendable {
    let call: String
    let code: CInt

    /// Reads `errno`; to be made right after the call.
    init(_ call: String) { self.init(call, code: errno) }

    init(_ call: String, code: CInt) {
        self.call = call
        self.code = code
    }

    var reason: String { "\(call): \(String(cString: strerror(code)))" }

    /// What it means to the caller of the storage.
    func storageError(_ location: Location) -> StorageError {
        switch code {
        case ENOENT, ENOTDIR: .notFound(location)
        case EEXIST: .alreadyExists(location)
        case EACCES, EPERM, EROFS, EISDIR, ELOOP: .denied(location, reason: reason)
        case ENAMETOOLONG, EINVAL, EOPNOTSUPP: .unsupported(location, reason: reason)
        default: .unavailable(location, reason: reason)
        }
    }
}

/// Makes a call again as long as a signal interrupts it.
func retryingInterrupts<Value: SignedInteger>(
    _ name: String, _ call: () -> Value
) throws(SystemError) -> Value {
    while true {
        let result = call()
        if result >= 0 { return result }
        let error = SystemError(name)
        guard error.code == EINTR else { throw error }
    }
}

/// An open file descriptor that closes itself.
struct Descriptor: ~Copyable {
    let number: CInt

    init(
        opening path: LocalPath, flags: CInt, mode: mode_t = 0
    ) throws(SystemError) {
        number = try retryingInterrupts("open") {
            open(path.text, flags | O_CLOEXEC, mode)
        }
    }

    deinit { close(number) }

    borrowing func status() throws(SystemError) -> stat {
        var status = stat()
        _ = try retryingInterrupts("fstat") { fstat(number, &status) }
        return status
    }

    /// Waits until what was written is on the disk.
    borrowing func synchronise() throws(SystemError) {
        _ = try retryingInterrupts("fsync") { fsync(number) }
    }
}

extension stat {
    var isRegularFile: Bool { st_mode & S_IFMT == S_IFREG }
    var isDirectory: Bool { st_mode & S_IFMT == S_IFDIR }

    var modifiedMilliseconds: Int64 {
        Int64(st_mtim.tv_sec) * 1000 + Int64(st_mtim.tv_nsec) / 1_000_000
    }

    func objectInfo(_ location: Location) -> ObjectInfo {
        ObjectInfo(
            location: location, size: Int64(st_size), modifiedMilliseconds: modifiedMilliseconds)
    }
}
