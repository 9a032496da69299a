// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec
public import WireFormat

/// How long a table keeps its snapshots, where a branch or tag does not say otherwise.
///
/// What wins: the request, this product's table properties, Iceberg's table properties, defaults.
public struct RetentionPolicy: Hashable, Sendable {
    /// Snapshots made before this time, in milliseconds since the epoch, are old.
    public let expireOlderThan: EffectiveValue<Int64>
    /// How many of a branch's newest snapshots stay, however old; at least 1.
    public let minSnapshotsToKeep: EffectiveValue<Int64>
    /// The age in milliseconds after which a branch or tag goes; `Int64.max` is for ever.
    public let maxRefAgeMilliseconds: EffectiveValue<Int64>

    /// The age limit where nobody says anything, in days.
    public static let defaultMaxSnapshotAgeDays: Int64 = 5
    /// The count where nobody says anything.
    public static let defaultMinSnapshotsToKeep: Int64 = 3

    /// Iceberg's property for the age limit.
    public static let maxSnapshotAgeProperty = "history.expire.max-snapshot-age-ms"
    /// Iceberg's property for the count.
    public static let minSnapshotsProperty = "history.expire.min-snapshots-to-keep"
    /// Iceberg's property for the age of branches and tags.
    public static let maxRefAgeProperty = "history.expire.max-ref-age-ms"

    private static let millisecondsPerDay: Int64 = 86_400_000

    /// Works out the policy of a table at a time.
    ///
    /// - Throws: ``UnreadableProperty`` when one of Iceberg's own properties decides and cannot be
    ///   read: to guess how long history is kept would be to guess about removing it.
    public static func resolve(
        properties: TableProperties, options: ExpireSnapshotsOptions, now: Timestamp
    ) throws(UnreadableProperty) -> (policy: RetentionPolicy, warnings: [String]) {
        var reader = PolicyReader(properties)
        let policy = RetentionPolicy(
            expireOlderThan: try olderThan(properties, options, now, &reader),
            minSnapshotsToKeep: try minimum(properties, options, &reader),
            maxRefAgeMilliseconds: try age(maxRefAgeProperty, of: properties)
                ?? EffectiveValue(.max, .byDefault))
        return (policy, reader.warnings)
    }

    private static func olderThan(
        _ properties: TableProperties, _ options: ExpireSnapshotsOptions, _ now: Timestamp,
        _ reader: inout PolicyReader
    ) throws(UnreadableProperty) -> EffectiveValue<Int64> {
        let limit = reader.integer("max_snapshot_age_days", in: 0...Int64.max)
        if let olderThan = options.olderThan {
            return EffectiveValue(olderThan.milliseconds, .request)
        }
        if let limit {
            let (age, overflow) = limit.value.multipliedReportingOverflow(by: millisecondsPerDay)
            return EffectiveValue(before(now, by: overflow ? .max : age), limit.origin)
        }
        if let age = try age(maxSnapshotAgeProperty, of: properties) {
            return EffectiveValue(before(now, by: age.value), age.origin)
        }
        let age = defaultMaxSnapshotAgeDays * millisecondsPerDay
        return EffectiveValue(before(now, by: age), .byDefault)
    }

    private static func minimum(
        _ properties: TableProperties, _ options: ExpireSnapshotsOptions,
        _ reader: inout PolicyReader
    ) throws(UnreadableProperty) -> EffectiveValue<Int64> {
        let limit = reader.integer("min_snapshots_to_keep", in: 1...Int64.max)
        if let retainLast = options.retainLast {
            return EffectiveValue(Int64(retainLast), .request)
        }
        if let limit { return limit }
        if let count = try properties.int64(minSnapshotsProperty) {
            // A reference's own snapshot always stays, so nothing below 1 means anything else.
            return EffectiveValue(max(1, count), .tableProperty(minSnapshotsProperty))
        }
        return EffectiveValue(defaultMinSnapshotsToKeep, .byDefault)
    }

    private static func age(
        _ key: String, of properties: TableProperties
    ) throws(UnreadableProperty) -> EffectiveValue<Int64>? {
        guard let age = try properties.int64(key) else { return nil }
        guard age >= 0 else {
            throw UnreadableProperty(
                key: key, value: String(age), expected: "a number of milliseconds of at least 0")
        }
        return EffectiveValue(age, .tableProperty(key))
    }

    /// The time this many milliseconds before, or the beginning of time.
    static func before(_ now: Timestamp, by age: Int64) -> Int64 {
        let (time, overflow) = now.milliseconds.subtractingReportingOverflow(age)
        return overflow ? .min : time
    }
}
