// SPDX-License-Identifier: Apache-2.0

public import Jobs

/// Which tables automatic maintenance looks after.
///
/// Manual submission ignores enrolment; it steers what is recommended and what the listing shows.
public struct Enrolment: Hashable, Sendable {
    /// What happens to tables that say nothing themselves.
    public enum Mode: String, CaseIterable, Hashable, Sendable {
        /// They are in.
        case optOut = "opt-out"
        /// They are out.
        case optIn = "opt-in"
    }

    /// Why a table is out, in the order in which it is asked.
    public enum SkipReason: String, Hashable, Sendable {
        /// `compaction_skip=true`.
        case skipProperty = "skip_property"
        /// An allowlist is set and the database is not in it.
        case notAllowlisted = "not_allowlisted"
        /// `maintenance_enabled=false`, or unset under opt-in.
        case notEnrolled = "not_enrolled"
    }

    /// The databases that may be maintained; nil when every one may.
    public let allowlist: [String]?
    /// What happens to tables that say nothing themselves.
    public let mode: Mode

    /// Takes an allowlist in its configured order, and a mode.
    public init(allowlist: [String]? = nil, mode: Mode = .optOut) {
        self.allowlist = allowlist
        self.mode = mode
    }

    /// Whether a database is in the allowlist; without one, every database is.
    public func allows(database: String) -> Bool { allowlist?.contains(database) ?? true }

    /// Why a table is out; nil when it is in.
    public func skipReason(for table: CachedTable) -> SkipReason? {
        if Self.flag("compaction_skip", in: table.properties) == true { return .skipProperty }
        guard allows(database: table.name.database) else { return .notAllowlisted }
        let wish =
            Self.flag("icepack.maintenance_enabled", in: table.properties)
            ?? Self.flag("snowpack.maintenance_enabled", in: table.properties)
        switch (wish, mode) {
        case (true, _), (nil, .optOut): return nil
        case (false, _), (nil, .optIn): return .notEnrolled
        }
    }

    /// The reason in words, for a table that is out for it.
    public func words(for reason: SkipReason, on table: TableName) -> String {
        switch reason {
        case .skipProperty: "the table's property compaction_skip is true"
        case .notAllowlisted:
            "the database \(table.database) is none of the \(allowlist?.count ?? 0) in "
                + "ICEPACK_MAINTENANCE_ALLOWLIST"
        case .notEnrolled where mode == .optIn:
            "the table's property icepack.maintenance_enabled is not true, which "
                + "ICEPACK_ENROLLMENT=opt-in asks for"
        case .notEnrolled: "the table's property icepack.maintenance_enabled is false"
        }
    }

    /// A property's truth value; nil when it is unset or does not parse.
    private static func flag(_ key: String, in properties: [String: String]) -> Bool? {
        switch properties[key]?.lowercased() {
        case "true": true
        case "false": false
        case .some, nil: nil
        }
    }
}
