// SPDX-License-Identifier: Apache-2.0

extension Int64 {
    /// Adds a count and stops at the largest number: manifests say what anybody wrote into them.
    mutating func addSaturating(_ count: Int64) {
        let (sum, overflow) = addingReportingOverflow(count)
        self = overflow ? .max : sum
    }
}
