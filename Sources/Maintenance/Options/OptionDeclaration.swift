// SPDX-License-Identifier: Apache-2.0

/// One argument or option of an action: its published name, its type and its default.
public struct OptionDeclaration: Hashable, Sendable {
    /// Whose name it is.
    public enum Source: Hashable, Sendable {
        /// An argument of Iceberg's procedure, in snake case.
        case argument
        /// A key of the procedure's `options` map, in kebab case.
        case option
        /// Our own.
        case own
    }

    /// The published name.
    public let name: String
    /// What it takes.
    public let type: OptionType
    /// What holds when it is left out, in words.
    public let defaultText: String
    /// Whose name it is.
    public let source: Source

    init(_ name: String, _ type: OptionType, default defaultText: String, _ source: Source) {
        self.name = name
        self.type = type
        self.defaultText = defaultText
        self.source = source
    }
}

extension MaintenanceAction {
    /// Every argument and option that this action takes, in the order they are published.
    ///
    /// The names, types and defaults are those of Iceberg's procedures; our own stand last.
    public var declarations: [OptionDeclaration] {
        switch self {
        case .expireSnapshots: OptionDeclaration.expireSnapshots
        case .removeOrphanFiles: OptionDeclaration.removeOrphanFiles
        case .rewriteDataFiles: OptionDeclaration.rewriteDataFiles
        case .rewritePositionDeleteFiles: OptionDeclaration.rewritePositionDeleteFiles
        case .rewriteManifests: OptionDeclaration.rewriteManifests
        }
    }
}

extension OptionType {
    /// A count of Java's `int` that must be positive.
    static let positiveInt = OptionType.integer(1...Int64(Int32.max))
    /// A count of Java's `long` that must be positive.
    static let positiveLong = OptionType.integer(1...Int64.max)
}
