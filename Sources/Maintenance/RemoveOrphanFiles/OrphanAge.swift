// SPDX-License-Identifier: Apache-2.0

package import IcebergSpec
package import WireFormat

/// Before when a file must have been written to be an orphan (P-05).
///
/// A writer puts files into the store before its commit names them, so what is young may be
/// somebody's work. What wins: the request, the table's property, three days.
package struct OrphanAge: Hashable, Sendable {
    /// Files written before this time, in milliseconds since the epoch, are old enough.
    package let olderThan: EffectiveValue<Int64>
    /// What was ignored, in sentences.
    package let warnings: [String]

    /// No file younger than this is ever an orphan.
    package static let floor = Duration.seconds(24 * 3600)
    /// The age in days where nobody says anything.
    package static let defaultDays: Int64 = 3
    /// This product's property for the age in days, without its prefix.
    package static let propertyName = "orphan_file_age_days"

    private static let millisecondsPerDay: Int64 = 86_400_000

    /// Works out the age for a table at a time.
    package init(
        properties: TableProperties, olderThan requested: Timestamp?, now: Timestamp
    ) throws(OrphanRefusal) {
        var reader = PolicyReader(properties)
        let days = reader.integer(Self.propertyName, in: 1...Int64.max)
        warnings = reader.warnings
        if let requested {
            guard now.since(requested) >= Self.floor else { throw .tooYoung(requested) }
            olderThan = EffectiveValue(requested.milliseconds, .request)
        } else if let days {
            let (age, overflow) = days.value.multipliedReportingOverflow(
                by: Self.millisecondsPerDay)
            olderThan = EffectiveValue(
                RetentionPolicy.before(now, by: overflow ? .max : age), days.origin)
        } else {
            let age = Self.defaultDays * Self.millisecondsPerDay
            olderThan = EffectiveValue(RetentionPolicy.before(now, by: age), .byDefault)
        }
    }

    /// Whether a file of this time is old enough; without a time it never is (P-17).
    ///
    /// - Parameter clockLag: how far the store's clock, which wrote the time, is behind ours, in
    ///   milliseconds; a store that is ahead makes files look younger, which is safe.
    package func isOldEnough(_ modifiedMilliseconds: Int64?, clockLag: Int64 = 0) -> Bool {
        guard let modifiedMilliseconds else { return false }
        let (time, overflow) = modifiedMilliseconds.addingReportingOverflow(max(0, clockLag))
        return !overflow && time < olderThan.value
    }
}
