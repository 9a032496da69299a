// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// How many files and sockets this process may have open.
enum OpenFileLimit {
    /// What the rest of the process needs: the store, tables being read, logs.
    static let reserve = 256

    /// Raises the soft limit to the hard one and says how many connections fit beside the reserve;
    /// nil when the system does not say.
    ///
    /// Shells and service managers start processes with a soft limit of 1,024, which a few idle
    /// clients use up.
    static func connectionsThatFit() -> Int? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return nil
        }
        if limit.rlim_cur < limit.rlim_max {
            let soft = limit.rlim_cur
            limit.rlim_cur = limit.rlim_max
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 {
                limit.rlim_cur = soft
            }
        }
        return max(1, Int(clamping: limit.rlim_cur) - reserve)
    }
}
