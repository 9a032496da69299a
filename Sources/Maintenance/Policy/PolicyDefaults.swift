// SPDX-License-Identifier: Apache-2.0

/// What the configuration says where a table says nothing, and of all tables.
public struct PolicyDefaults: Hashable, Sendable {
    /// How often a table is maintained.
    public var cadenceHours: EffectiveValue<Int64>
    /// Which engine is wanted.
    public var engine: EffectiveValue<EnginePreference>
    /// What happens to tables that say nothing themselves: `opt-out` or `opt-in`.
    public var enrollment: EffectiveValue<String>
    /// The databases that may be maintained; nil when every one may.
    public var allowlist: EffectiveValue<[String]?>

    /// The cadence where nobody says anything.
    public static let defaultCadenceHours: Int64 = 24

    /// Takes every field.
    public init(
        cadenceHours: EffectiveValue<Int64> = EffectiveValue(defaultCadenceHours, .byDefault),
        engine: EffectiveValue<EnginePreference> = EffectiveValue(.auto, .byDefault),
        enrollment: EffectiveValue<String> = EffectiveValue("opt-out", .byDefault),
        allowlist: EffectiveValue<[String]?> = EffectiveValue(nil, .byDefault)
    ) {
        self.cadenceHours = cadenceHours
        self.engine = engine
        self.enrollment = enrollment
        self.allowlist = allowlist
    }
}
