// SPDX-License-Identifier: Apache-2.0

import Foundation

/// How much of the long suites a test run takes.
///
/// Each of them is tried on many tables, moments or schedules, some with three engines reading
/// before and after. A run takes a few of those, always the same, so that it ends soon on two
/// cores; `make test-all` takes all.
public enum Share {
    /// Whether everything is run: ICEPACK_TEST_ALL is 1.
    public static let isWhole =
        ProcessInfo.processInfo.environment["ICEPACK_TEST_ALL"] == "1"

    /// Some of the elements, spread evenly, or all of them.
    public static func of<Elements: Collection>(
        _ all: Elements, _ count: Int
    ) -> [Elements.Element] {
        guard !isWhole, count < all.count else { return Array(all) }
        return (0..<count).map { place in
            all[all.index(all.startIndex, offsetBy: place * all.count / count)]
        }
    }

    /// How often something is done.
    public static func count(_ count: Int, whole: Int) -> Int { isWhole ? whole : count }
}
