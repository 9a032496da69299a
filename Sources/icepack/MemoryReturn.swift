// SPDX-License-Identifier: Apache-2.0

import CMalloc

/// How memory that was given back returns to the system.
///
/// By itself glibc learns from what is given back: after one large block it keeps the like, up to
/// 32 MiB each, in a heap for each thread. Windows and pages of a few megabytes, which one thread
/// takes and another gives back, then make a process several times as large as what it holds.
enum MemoryReturn {
    /// Blocks of so many bytes come from the system, and go back to it at once.
    ///
    /// Pages and small files of about a megabyte are less: they come and go by the thousand, and
    /// the system clears each anew.
    private static let largeBlock: Int32 = 2 << 20
    /// What a heap keeps at its end.
    private static let spareBytes: Int32 = 4 << 20

    /// Sets it up; to be called before there are threads.
    ///
    /// Where it cannot be set up, memory is used less well and nothing else changes.
    static func setUp() {
        _ = mallopt(M_MMAP_THRESHOLD, largeBlock)
        _ = mallopt(M_TRIM_THRESHOLD, spareBytes)
    }
}
