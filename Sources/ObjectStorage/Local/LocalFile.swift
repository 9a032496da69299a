// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The blocking calls about one file that exists; to be made on a ``BlockingPool``.
struct LocalFile {
    let location: Location
    let path: LocalPath

    func read(limit: Int) throws(StorageError) -> [UInt8] {
        let bytes: [UInt8]?
        do throws(SystemError) { bytes = try readWhole(limit: limit) } catch {
            throw error.storageError(location)
        }
        guard let bytes else { throw .tooLarge(location, limit: limit) }
        return bytes
    }

    func read(range: Range<Int64>) throws(StorageError) -> [UInt8] {
        guard range.lowerBound >= 0 else {
            throw .unsupported(location, reason: "a range cannot begin before the first byte")
        }
        do throws(SystemError) {
            let file = try open()
            let end = min(range.upperBound, Int64(try file.status().st_size))
            guard end > range.lowerBound else { return [] }
            return try Self.read(file, at: range.lowerBound, count: Int(end - range.lowerBound))
        } catch {
            throw error.storageError(location)
        }
    }

    /// Nil where there is nothing, or a directory, which is no object.
    func status() throws(StorageError) -> ObjectInfo? {
        do throws(SystemError) {
            var status = stat()
            _ = try retryingInterrupts("stat") { stat(path.text, &status) }
            return status.isRegularFile && !path.isFolder ? status.objectInfo(location) : nil
        } catch {
            if error.code == ENOENT || error.code == ENOTDIR { return nil }
            throw error.storageError(location)
        }
    }

    func remove() -> RemovalOutcome {
        do throws(SystemError) {
            _ = try retryingInterrupts("unlink") { unlink(path.text) }
            return .removed
        } catch {
            if error.code == ENOENT || error.code == ENOTDIR { return .alreadyGone }
            return .failed(error.storageError(location))
        }
    }

    /// Nil if there is more than the limit.
    private func readWhole(limit: Int) throws(SystemError) -> [UInt8]? {
        let file = try open()
        let size = Int64(try file.status().st_size)
        guard size <= limit else { return nil }
        // One byte more than is there: a file that grows meanwhile is noticed, not cut off.
        let bytes = try Self.read(file, at: 0, count: Int(size) + 1)
        guard bytes.count > size else { return bytes }
        return try Self.readToEnd(file, after: bytes, limit: limit)
    }

    private func open() throws(SystemError) -> Descriptor {
        // Without O_NONBLOCK, opening a named pipe would wait for its writer for ever.
        let file = try Descriptor(opening: path, flags: O_RDONLY | O_NONBLOCK)
        guard try file.status().isRegularFile else {
            throw SystemError("open (not a regular file)", code: EISDIR)
        }
        return file
    }

    /// Fewer bytes than asked only where the file ends.
    private static func read(
        _ file: borrowing Descriptor, at offset: Int64, count: Int
    ) throws(SystemError) -> [UInt8] {
        var failure: SystemError?
        let number = file.number
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(SystemError) {
                while filled < count {
                    let rest = UnsafeMutableBufferPointer(rebasing: buffer[filled...])
                    let position = off_t(offset) + filled
                    let got = try retryingInterrupts("pread") {
                        pread(number, rest.baseAddress, count - filled, position)
                    }
                    guard got > 0 else { return }
                    filled += got
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    private static func readToEnd(
        _ file: borrowing Descriptor, after start: [UInt8], limit: Int
    ) throws(SystemError) -> [UInt8]? {
        var bytes = start
        while bytes.count <= limit {
            let more = try read(file, at: Int64(bytes.count), count: 65_536)
            guard !more.isEmpty else { return bytes }
            bytes += more
        }
        return nil
    }
}
