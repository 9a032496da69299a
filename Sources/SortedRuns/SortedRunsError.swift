// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A temporary file could not be made, written or read.
public struct SortedRunsError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What happened to which folder.
    public let description: String

    init(_ call: String, _ path: String, code: CInt) {
        description =
            "temporary files in \(path) cannot be used: \(call): \(String(cString: strerror(code)))"
    }

    init(truncated path: String) {
        description = "a temporary file in \(path) was cut off"
    }
}
