// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The wall clock, in milliseconds since the epoch.
@Sendable func systemMilliseconds() -> Int64 {
    var time = timespec()
    // Cannot fail for this clock.
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}
