// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A private folder for files that nobody but this process ever sees.
///
/// Files lose their names as soon as they are made, so neither a crash nor a full disk leaves any
/// behind; the folder goes with the last reference to it.
public final class TemporaryFolder: Sendable {
    let path: String

    /// Makes a folder of a random name below another.
    public init(in parent: String) throws(SortedRunsError) {
        // `mkdtemp` puts random letters in the place of six of these.
        let ending = String(repeating: "X", count: 6)
        var template = Array("\(parent)/icepack-\(ending)".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw SortedRunsError("mkdtemp", parent, code: errno)
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        // Empty by construction; if it cannot go, an empty folder is all that stays.
        rmdir(path)
    }

    /// How many bytes the disk has room for.
    public func freeBytes() throws(SortedRunsError) -> Int64 {
        var facts = statvfs()
        guard statvfs(path, &facts) == 0 else {
            throw SortedRunsError("statvfs", path, code: errno)
        }
        let (bytes, overflow) = UInt64(facts.f_bavail).multipliedReportingOverflow(
            by: UInt64(facts.f_frsize))
        return overflow ? .max : Int64(clamping: bytes)
    }

    /// A file that has no name.
    public func makeFile() throws(SortedRunsError) -> TemporaryFile {
        let name = "\(path)/\(String(UInt64.random(in: .min ... .max), radix: 16))"
        let flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let number = open(name, flags, 0o600)
        guard number >= 0 else { throw SortedRunsError("open", path, code: errno) }
        let file = TemporaryFile(number: number, folder: self)
        guard unlink(name) == 0 else { throw SortedRunsError("unlink", path, code: errno) }
        return file
    }
}

/// A file without a name, which is gone once it is closed.
///
/// Written by one owner from start to end, then read at any place by any number.
public final class TemporaryFile: Sendable {
    private let number: CInt
    private let folder: TemporaryFolder

    init(number: CInt, folder: TemporaryFolder) {
        self.number = number
        self.folder = folder
    }

    deinit { close(number) }

    /// Adds bytes at the end.
    public func write(_ bytes: [UInt8]) throws(SortedRunsError) {
        try bytes.withRawBytes { (bytes) throws(SortedRunsError) in try write(bytes) }
    }

    /// Puts bytes at a place, for several owners that agree on theirs.
    public func write(_ bytes: [UInt8], at offset: Int64) throws(SortedRunsError) {
        try bytes.withRawBytes { (bytes) throws(SortedRunsError) in
            try put(bytes, "pwrite") {
                pwrite(number, $0.baseAddress, $0.count, off_t(offset) + $1)
            }
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(SortedRunsError) {
        try put(bytes, "write") { rest, _ in Self.systemWrite(number, rest) }
    }

    /// Hands bytes to a system call until it has taken all of them.
    ///
    /// - Parameter call: Takes what is left, and is told how much it took before.
    private func put(
        _ bytes: UnsafeRawBufferPointer, _ name: String,
        _ call: (UnsafeRawBufferPointer, Int) -> Int
    ) throws(SortedRunsError) {
        var written = 0
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = Self.retrying { call(rest, written) }
            guard count >= 0 else { throw SortedRunsError(name, folder.path, code: errno) }
            written += count
        }
    }

    /// Fills the start of a buffer; fewer bytes than it holds only at the file's end.
    public func read(
        at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SortedRunsError) -> Int {
        var filled = 0
        while filled < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            let count = Self.retrying {
                pread(number, rest.baseAddress, rest.count, off_t(offset) + filled)
            }
            guard count >= 0 else { throw SortedRunsError("pread", folder.path, code: errno) }
            guard count > 0 else { return filled }
            filled += count
        }
        return filled
    }

    var truncated: SortedRunsError { SortedRunsError(truncated: folder.path) }

    private static func retrying(_ call: () -> Int) -> Int {
        while true {
            let result = call()
            if result >= 0 || errno != EINTR { return result }
        }
    }

    private static func systemWrite(_ number: CInt, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.write(number, bytes.baseAddress, bytes.count)
        #elseif canImport(Musl)
            Musl.write(number, bytes.baseAddress, bytes.count)
        #endif
    }
}
