// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// What the process tells its caller; the numbers are those of `sysexits.h` where it has one.
enum ExitStatus: Int32 {
    /// What was asked for happened.
    case success = 0
    /// The job or an action failed, or was cancelled.
    case failed = 1
    /// The service refused the request as it stands.
    case refused = 65
    /// The service or the store could not be reached.
    case unavailable = 69
    /// Not now: the table is locked, or the service is draining.
    case tryLater = 75
    /// The configuration has mistakes.
    case configuration = 78

    /// What ArgumentParser throws to end the process with this status.
    var exit: ExitCode { ExitCode(rawValue) }
}
