// SPDX-License-Identifier: Apache-2.0

import IcebergSpec

extension MaintenancePolicy.Setting {
    /// Iceberg's own properties that say what some settings say.
    private static let icebergNames = [
        "target_file_size_bytes": "write.target-file-size-bytes",
        "max_snapshot_age_days": RetentionPolicy.maxSnapshotAgeProperty,
        "min_snapshots_to_keep": RetentionPolicy.minSnapshotsProperty,
    ]

    /// The setting with all that was said of it elsewhere, in the order in which it would win.
    func adding(
        overriddenOf properties: TableProperties, _ defaults: PolicyDefaults
    ) -> MaintenancePolicy.Setting {
        var all: [MaintenancePolicy.Overridden] = []
        for prefix in [PolicyReader.prefix, PolicyReader.aliasPrefix] {
            let property = prefix + name
            guard let value = properties[property] else { continue }
            all.append(
                .init(value: value, origin: ValueOrigin.policy(property: property).text))
        }
        if let property = Self.icebergNames[name], let value = properties[property] {
            all.append(.init(value: value, origin: ValueOrigin.tableProperty(property).text))
        }
        switch name {
        case "maintenance_cadence_hours":
            all.append(
                .init(
                    value: "\(defaults.cadenceHours.value)",
                    origin: defaults.cadenceHours.origin.text))
        case "engine":
            all.append(
                .init(
                    value: defaults.engine.value.rawValue, origin: defaults.engine.origin.text))
        default: break
        }
        var setting = self
        setting.overridden = all.filter { $0.origin != origin }
        return setting
    }
}
