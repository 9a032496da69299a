// SPDX-License-Identifier: Apache-2.0

import Foundation

/// How many random schedules of other writers, and random tables, each property is tried on.
///
/// ICEPACK_SCHEDULES makes it more.
enum Schedules {
    static let count =
        ProcessInfo.processInfo.environment["ICEPACK_SCHEDULES"].flatMap(Int.init) ?? 8
}
