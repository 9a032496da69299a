// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Jobs

/// The store's file on disk, before SQLite sees it.
enum DatabaseFile {
    /// Makes the folder and an empty file that only its owner can read, unless they exist.
    static func prepare(at path: String) throws(JobStoreError) {
        let folder = URL(filePath: path).deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true)
        } catch {
            throw .unavailable(reason: "cannot make the folder of the store: \(error)")
        }
        // SQLite gives its -wal and -shm files the mode of the main file.
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .unavailable(
                reason: "cannot open the store's file: \(String(cString: strerror(errno)))")
        }
        close(descriptor)
    }
}

/// Which file a path led to, for noticing that it leads to another one or to none.
struct FileStamp: Hashable, Sendable {
    private let device: dev_t
    private let number: ino_t

    /// Nil where there is no such file.
    init?(of path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = status.st_dev
        number = status.st_ino
    }
}

/// A lock between processes on a file beside the store's; the kernel frees it when its holder dies.
struct TaskLock: ~Copyable {
    private let descriptor: CInt

    /// Takes the lock; nil if another holder, in this process or any, has it.
    init?(for task: ExclusiveTask, besides path: String) throws(JobStoreError) {
        let name = Self.suffix(of: task)
        let descriptor = open(path + name, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .unavailable(
                reason: "cannot open the lock \(name): \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            close(descriptor)
            guard reason == EWOULDBLOCK else {
                throw .unavailable(
                    reason: "cannot take the lock \(name): \(String(cString: strerror(reason)))")
            }
            return nil
        }
        self.descriptor = descriptor
    }

    private static func suffix(of task: ExclusiveTask) -> String {
        switch task {
        case .tableSync: ".sync-lock"
        case .healthSync: ".health-lock"
        case .orchestratorRun: ".orchestrator-lock"
        }
    }

    deinit { close(descriptor) }
}
