// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// How many random schedules of other writers, and random tables, each property is tried on.
///
/// ICEPACK_SCHEDULES says how many, ``Share`` otherwise.
enum Schedules {
    static let count =
        ProcessInfo.processInfo.environment["ICEPACK_SCHEDULES"].flatMap(Int.init)
        ?? Share.count(4, whole: 40)
}
