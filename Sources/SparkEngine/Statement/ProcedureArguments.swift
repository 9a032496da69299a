// SPDX-License-Identifier: Apache-2.0

package import IcebergSpec
package import Maintenance
package import WireFormat

/// Works out the arguments of a procedure: the defaults that users of these procedures expect,
/// the table's policy over them, and the request's options over both.
package struct ProcedureArguments: Sendable {
    /// The arguments, in the order in which the procedure declares them.
    package private(set) var arguments: [ProcedureArgument] = []
    /// What of the table's policy was ignored, in sentences.
    package private(set) var warnings: [String] = []

    private let action: MaintenanceAction
    private let options: ActionOptions
    private let locations: LocationMapping
    private var reader: PolicyReader

    /// The age below which files may be of writers at work, in days, where nobody says anything.
    package static let defaultOrphanAgeDays: Int64 = 3
    /// The largest age that is still a date, in days: ten thousand years.
    private static let greatestAgeDays: Int64 = 3_650_000
    /// Data files are this large where nobody says anything.
    package static let defaultTargetFileSize: Int64 = 536_870_912
    /// Iceberg's property of the same meaning.
    private static let targetFileSizeProperty = "write.target-file-size-bytes"

    /// Works out the arguments for a table with these properties.
    ///
    /// - Throws: ``MaintenanceError/refused(code:reason:)`` when one of Iceberg's own properties
    ///   decides and cannot be read.
    package init(
        _ action: MaintenanceAction, options: ActionOptions, properties: TableProperties,
        now: Timestamp, locations: LocationMapping
    ) throws(MaintenanceError) {
        self.action = action
        self.options = options
        self.locations = locations
        reader = PolicyReader(properties)
        do throws(UnreadableProperty) {
            switch action {
            case .expireSnapshots: try addExpiry(properties, now)
            case .removeOrphanFiles: addOrphanRemoval(now)
            case .rewriteDataFiles: try addDataRewrite(properties)
            case .rewritePositionDeleteFiles: addMap(defaults: [])
            case .rewriteManifests: break
            }
        } catch {
            throw .refused(code: "unreadable_property", reason: error.description)
        }
        addRequested()
        let order = action.declarations.map(\.name) + ["options"]
        arguments.sort {
            (order.firstIndex(of: $0.name) ?? 0) < (order.firstIndex(of: $1.name) ?? 0)
        }
        warnings += reader.warnings
    }

    private mutating func set(_ name: String, _ value: ProcedureValue) {
        arguments.removeAll { $0.name == name }
        arguments.append(ProcedureArgument(name, value))
    }

    // MARK: Defaults and policy

    private mutating func addExpiry(
        _ properties: TableProperties, _ now: Timestamp
    ) throws(UnreadableProperty) {
        let (policy, ignored) = try RetentionPolicy.resolve(
            properties: properties, options: ExpireSnapshotsOptions(options), now: now)
        warnings += ignored
        // Before year 1 there is no spelling, and no snapshot.
        let oldest = max(policy.expireOlderThan.value, -62_135_596_800_000)
        set("older_than", .timestamp(Timestamp(milliseconds: oldest)))
        set("retain_last", .integer(min(policy.minSnapshotsToKeep.value, Int64(Int32.max))))
        // Otherwise the driver holds the name of every file at once.
        set("stream_results", .boolean(true))
    }

    private mutating func addOrphanRemoval(_ now: Timestamp) {
        let days = reader.integer("orphan_file_age_days", in: 1...Self.greatestAgeDays)?.value
        let age = Duration.seconds((days ?? Self.defaultOrphanAgeDays) * 86_400)
        set("older_than", .timestamp(now.advanced(by: .zero - age)))
    }

    private mutating func addDataRewrite(
        _ properties: TableProperties
    ) throws(UnreadableProperty) {
        set("strategy", .string(options.values["sort_order"] == nil ? "binpack" : "sort"))
        let configured = reader.integer("target_file_size_bytes", in: 2...Int64.max)?.value
        let ofTable = try properties.int64(Self.targetFileSizeProperty)
        let target =
            options.values["target-file-size-bytes"]?.int64Value ?? configured ?? ofTable
            ?? Self.defaultTargetFileSize
        let inputs = reader.integer("min_input_files", in: 1...Int64(Int32.max))?.value
        let threshold = reader.integer(
            "rewrite_data_delete_file_threshold", in: 0...Int64(Int32.max))?.value
        let ratio = reader.fraction(
            "rewrite_data_delete_ratio_threshold", above: 0, through: 1)?.value
        let commits = reader.integer(
            "partial_progress_max_commits", in: 1...Int64(Int32.max))?.value
        let allowed =
            options.values["partial-progress.max-commits"]?.int64Value ?? commits ?? 10
        // Iceberg's own default lets all of them fail and calls that a success. Half, and not
        // none: it takes commits for failed that were never needed, where more groups than commits
        // are put together; those are less than half.
        var defaults: [(String, String)] = [
            ("target-file-size-bytes", "\(target)"),
            ("min-file-size-bytes", "\(Self.share(of: target, 3, 4))"),
            ("max-file-size-bytes", "\(Self.share(of: target, 9, 5))"),
            ("min-input-files", "\(inputs ?? 5)"),
            ("delete-file-threshold", "\(threshold ?? 2)"),
            ("delete-ratio-threshold", "\(ratio ?? 0.1)"),
            ("partial-progress.enabled", "true"),
            ("partial-progress.max-commits", "\(allowed)"),
            ("partial-progress.max-failed-commits", "\(allowed / 2)"),
        ]
        if let all = reader.boolean("rewrite_data_rewrite_all") {
            defaults.append(("rewrite-all", "\(all.value)"))
        }
        addMap(defaults: defaults)
    }

    /// A share of a size, rounded down; the greatest size where that is too much.
    private static func share(of size: Int64, _ numerator: Int64, _ denominator: Int64) -> Int64 {
        let (whole, overflow) = (size / denominator).multipliedReportingOverflow(by: numerator)
        let rest = size % denominator * numerator / denominator
        let (share, overflowsToo) = whole.addingReportingOverflow(rest)
        return overflow || overflowsToo ? .max : share
    }

    // MARK: The request

    /// The options map: the request's keys over the defaults.
    private mutating func addMap(defaults: [(String, String)]) {
        var entries = defaults.map { ProcedureValue.MapEntry($0.0, $0.1) }
        for declaration in action.declarations where declaration.source == .option {
            guard let value = options.values[declaration.name], let text = Self.text(value) else {
                continue
            }
            let entry = ProcedureValue.MapEntry(declaration.name, text)
            if let index = entries.firstIndex(where: { $0.key == entry.key }) {
                entries[index] = entry
            } else {
                entries.append(entry)
            }
        }
        if !entries.isEmpty { set("options", .map(entries)) }
    }

    private mutating func addRequested() {
        for declaration in action.declarations where declaration.source == .argument {
            guard let value = options.values[declaration.name],
                let argument = Self.argument(value, of: declaration.type)
            else { continue }
            set(declaration.name, argument)
        }
        guard action == .removeOrphanFiles else { return }
        if let location = options.values["location"]?.stringValue {
            set("location", .string(locations.mapping(location)))
        }
        // Spark's own deletion has none of our guards; whatever the request says, it only looks.
        set("dry_run", .boolean(true))
    }

    /// A value of the options map; every one is a text there.
    private static func text(_ value: JSONValue) -> String? {
        switch value {
        case .bool(let truth): truth ? "true" : "false"
        // Whole numbers without exponents, as Java's parser wants them.
        case .number(let number): number.int64Value.map { "\($0)" } ?? number.literal
        case .string(let text): text
        case .null, .array, .object: nil
        }
    }

    private static func argument(_ value: JSONValue, of type: OptionType) -> ProcedureValue? {
        switch type {
        case .boolean: value.boolValue.map { .boolean($0) }
        case .integer: value.int64Value.map { .integer($0) }
        // No argument takes one: fractions are options.
        case .fraction: nil
        case .string, .choice: value.stringValue.map { .string($0) }
        case .timestamp:
            value.stringValue.flatMap(Timestamp.init(iso8601:)).map { .timestamp($0) }
        case .integers: value.arrayValue.map { .integers($0.compactMap(\.int64Value)) }
        case .strings: value.arrayValue.map { .strings($0.compactMap(\.stringValue)) }
        case .stringMap:
            // An empty map has no spelling, and says nothing.
            value.objectValue.flatMap { object in
                object.isEmpty
                    ? nil
                    : .map(object.members.map { .init($0.key, $0.value.stringValue ?? "") })
            }
        }
    }
}
