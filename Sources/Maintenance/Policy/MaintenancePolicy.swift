// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec
public import WireFormat

/// How a table is to be maintained: every setting, where it came from and what follows.
///
/// From general to particular: defaults, configuration, the table's properties.
public struct MaintenancePolicy: Sendable {
    /// One setting, as recommendations and explanations show it.
    public struct Setting: Hashable, Sendable {
        /// Its name without a prefix.
        public let name: String
        /// Its value; null for one that is unset.
        public let value: JSONValue
        /// Where the value came from.
        public let origin: String
        /// What follows from it, in a sentence.
        public let consequence: String
        /// What was said elsewhere and gives way to it, from the one that would win next.
        public internal(set) var overridden: [Overridden] = []
    }

    /// A value that gives way to another one.
    public struct Overridden: Hashable, Sendable {
        /// The value as it was written.
        public let value: String
        /// Where it came from.
        public let origin: String
    }

    /// Every setting in the order of the documentation.
    public let settings: [Setting]
    /// How often the table is maintained.
    public let cadenceHours: EffectiveValue<Int64>
    /// How many position delete files that would stay make a rewrite of them worth it.
    public let deleteFileThreshold: EffectiveValue<Int64>
    /// Which engine is wanted.
    public let engine: EffectiveValue<EnginePreference>
    /// What was ignored, in sentences.
    public let warnings: [String]

    /// `delete_file_threshold` where nobody says anything.
    public static let defaultDeleteFileThreshold: Int64 = 5
    /// `orphan_file_age_days` where nobody says anything; never below 1.
    public static let defaultOrphanFileAgeDays: Int64 = 3
    /// `partial_progress_max_commits` where nobody says anything.
    public static let defaultMaxCommits: Int64 = 10
    /// The longest cadence, ten years.
    public static let maximumCadenceHours: Int64 = 87_600

    /// Works out the policy of a table.
    ///
    /// A value that does not parse is ignored with a warning, also of Iceberg's own properties:
    /// actions that need them refuse, and say so themselves.
    public init(_ properties: TableProperties, defaults: PolicyDefaults) {
        var reader = PolicyReader(properties)
        var list: [Setting] = []
        list.append(Self.enrolment(&reader, defaults))
        cadenceHours =
            reader.integer("maintenance_cadence_hours", in: 1...Self.maximumCadenceHours)
            ?? defaults.cadenceHours
        list.append(
            Setting(
                "maintenance_cadence_hours", cadenceHours,
                "maintenance is due \(ReportWording.count(cadenceHours.value, "hour")) after the "
                    + "last job that completed"))
        list += Self.targetSize(properties, &reader)
        list += Self.retention(properties, &reader)
        list.append(Self.orphanAge(&reader))
        list += Self.rewrites(&reader)
        deleteFileThreshold =
            reader.integer("delete_file_threshold", in: 0...Int64(Int32.max))
            ?? EffectiveValue(Self.defaultDeleteFileThreshold, .byDefault)
        list.append(
            Setting(
                "delete_file_threshold", deleteFileThreshold,
                "position delete files are rewritten once \(deleteFileThreshold.value) of them "
                    + "would remain after the data rewrite"))
        engine = reader.choice("engine", as: EnginePreference.self) ?? defaults.engine
        list.append(
            Setting(
                "engine", EffectiveValue(engine.value.rawValue, engine.origin),
                engine.value == .auto
                    ? "each action goes to the first configured engine that runs it"
                    : "every action goes to the \(engine.value.rawValue) engine"))
        list += Self.sparkSettings(&reader)
        // Its own has no prefix, and the fleet's are the service's.
        reader.noteUnknown(among: list.map(\.name))
        list.append(Self.skip(properties, &reader))
        list += Self.fleetSettings(defaults)
        settings = list.map { $0.adding(overriddenOf: properties, defaults) }
        var seen: Set<String> = []
        warnings = reader.warnings.filter { seen.insert($0).inserted }
    }

    /// The settings by name: value and origin.
    public var json: JSONValue {
        .object(
            JSONObject(
                settings.map {
                    .init(
                        key: $0.name,
                        value: [
                            "value": $0.value, "origin": .string($0.origin),
                            "follows": .string($0.consequence),
                            "overridden": .array(
                                $0.overridden.map {
                                    ["value": .string($0.value), "origin": .string($0.origin)]
                                }),
                        ])
                }))
    }
}

extension MaintenancePolicy.Setting {
    init(_ name: String, _ value: EffectiveValue<Int64>, _ consequence: String) {
        self.init(
            name: name, value: .integer(value.value), origin: value.origin.text,
            consequence: consequence)
    }

    init(_ name: String, _ value: EffectiveValue<String>, _ consequence: String) {
        self.init(
            name: name, value: .string(value.value), origin: value.origin.text,
            consequence: consequence)
    }
}

// MARK: The settings

extension MaintenancePolicy {
    private static func enrolment(
        _ reader: inout PolicyReader, _ defaults: PolicyDefaults
    ) -> Setting {
        let enabled = reader.boolean("maintenance_enabled")
        let consequence =
            switch enabled?.value {
            case true?: "the table is maintained"
            case false?: "the table is left out of automatic maintenance"
            case nil:
                "the service's enrolment decides whether the table is maintained: "
                    + defaults.enrollment.value
            }
        return Setting(
            name: "maintenance_enabled", value: enabled.map { .bool($0.value) } ?? .null,
            origin: enabled?.origin.text ?? ValueOrigin.byDefault.text, consequence: consequence)
    }

    private static func targetSize(
        _ properties: TableProperties, _ reader: inout PolicyReader
    ) -> [Setting] {
        let name = "target_file_size_bytes"
        do throws(RewriteRefusal) {
            let target = try RewriteDataFilesSettings.targetSize(properties, &reader)
            let sizes = try FileSizes(target: target)
            return [
                Setting(
                    name, target,
                    "data files below \(sizes.minimum.value) bytes are small and above "
                        + "\(sizes.maximum.value) large")
            ]
        } catch {
            return [refused(name, "\(error)")]
        }
    }

    private static func retention(
        _ properties: TableProperties, _ reader: inout PolicyReader
    ) -> [Setting] {
        let now = Timestamp(milliseconds: 0)
        do throws(UnreadableProperty) {
            let (policy, warnings) = try RetentionPolicy.resolve(
                properties: properties, options: ExpireSnapshotsOptions(), now: now)
            reader.note(warnings)
            let age = now.milliseconds &- policy.expireOlderThan.value
            let days = Double(age) / 86_400_000
            let keep = policy.minSnapshotsToKeep
            return [
                Setting(
                    name: "max_snapshot_age_days",
                    value: days == days.rounded()
                        ? .integer(Int64(clampingDouble: days)) : .double(days),
                    origin: policy.expireOlderThan.origin.text,
                    consequence: "snapshots may expire once they are \(age) ms old"),
                Setting(
                    "min_snapshots_to_keep", keep,
                    "the newest \(ReportWording.count(keep.value, "snapshot")) of each branch "
                        + "stay, however old"),
            ]
        } catch {
            return [
                refused("max_snapshot_age_days", "\(error)"),
                refused("min_snapshots_to_keep", "\(error)"),
            ]
        }
    }

    private static func orphanAge(_ reader: inout PolicyReader) -> Setting {
        let age =
            reader.integer("orphan_file_age_days", in: 1...Int64(Int32.max))
            ?? EffectiveValue(defaultOrphanFileAgeDays, .byDefault)
        return Setting(
            "orphan_file_age_days", age,
            "files that no snapshot names are left alone until they are "
                + "\(ReportWording.count(age.value, "day")) old")
    }

    private static func rewrites(_ reader: inout PolicyReader) -> [Setting] {
        let files =
            reader.integer("min_input_files", in: 1...Int64(Int32.max))
            ?? EffectiveValue(GroupSettings.defaultMinInputFiles, .byDefault)
        let commits =
            reader.integer("partial_progress_max_commits", in: 1...Int64(Int32.max))
            ?? EffectiveValue(defaultMaxCommits, .byDefault)
        let threshold =
            reader.integer("rewrite_data_delete_file_threshold", in: 0...Int64(Int32.max))
            ?? EffectiveValue(
                RewriteDataFilesSettings.defaultDeleteFileThreshold, .byDefault)
        let ratio =
            reader.fraction("rewrite_data_delete_ratio_threshold", above: 0, through: 1)
            ?? EffectiveValue(
                RewriteDataFilesSettings.defaultDeleteRatioThreshold, .byDefault)
        let all = reader.boolean("rewrite_data_rewrite_all") ?? EffectiveValue(false, .byDefault)
        return [
            Setting(
                "min_input_files", files,
                "\(files.value) files out of size in a partition are worth a rewrite"),
            Setting(
                "partial_progress_max_commits", commits,
                "Spark commits a rewrite in at most \(ReportWording.count(commits.value, "step")); "
                    + "the native engine does at once, unless a job asks for partial progress"),
            Setting(
                "rewrite_data_delete_file_threshold", threshold,
                "a data file with \(threshold.value) delete files is rewritten whatever its size"),
            Setting(
                name: "rewrite_data_delete_ratio_threshold", value: .double(ratio.value),
                origin: ratio.origin.text,
                consequence: "a data file is rewritten once \(ratio.value * 100) % of its rows "
                    + "are deleted"),
            Setting(
                name: "rewrite_data_rewrite_all", value: .bool(all.value),
                origin: all.origin.text,
                consequence: all.value
                    ? "every data file is rewritten in every run"
                    : "data files of the right size are left alone"),
        ]
    }

    private static func sparkSettings(_ reader: inout PolicyReader) -> [Setting] {
        reader.settings(startingWith: "spark.").map { name, value, property in
            Setting(
                name: name, value: .string(value),
                origin: ValueOrigin.policy(property: property).text,
                consequence: "it is set in the session of the Spark engine")
        }
    }

    private static func skip(
        _ properties: TableProperties, _ reader: inout PolicyReader
    ) -> Setting {
        let name = "compaction_skip"
        let value = properties[name].flatMap { Bool($0.lowercased()) }
        if properties[name] != nil, value == nil {
            reader.note(["\(name) is ignored: it must be true or false"])
        }
        return Setting(
            name: name, value: .bool(value ?? false),
            origin: value == nil
                ? ValueOrigin.byDefault.text : ValueOrigin.policy(property: name).text,
            consequence: value == true
                ? "the table is left out of automatic maintenance, whatever else is said"
                : "nothing")
    }

    /// What the service says of all tables.
    private static func fleetSettings(_ defaults: PolicyDefaults) -> [Setting] {
        let allowlist = defaults.allowlist
        let names = allowlist.value?.joined(separator: ",")
        return [
            Setting(
                "enrollment", defaults.enrollment,
                defaults.enrollment.value == "opt-in"
                    ? "tables are maintained if maintenance_enabled is true"
                    : "tables are maintained unless maintenance_enabled is false"),
            Setting(
                name: "maintenance_allowlist", value: names.map { .string($0) } ?? .null,
                origin: allowlist.origin.text,
                consequence: names == nil
                    ? "tables of every database may be maintained"
                    : "tables of other databases are left out"),
        ]
    }

    private static func refused(_ name: String, _ reason: String) -> Setting {
        Setting(
            name: name, value: .null, origin: "unreadable",
            consequence: "actions that need it refuse: \(reason)")
    }
}
