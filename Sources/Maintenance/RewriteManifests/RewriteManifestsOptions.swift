// SPDX-License-Identifier: Apache-2.0

/// The arguments of `rewrite_manifests`, typed.
public struct RewriteManifestsOptions: Hashable, Sendable {
    /// The partition spec whose manifests are rewritten; nil for all of them.
    public var specID: Int?
    /// The partition fields to cluster by, before all others; none for the spec's own order.
    public var sortBy: [String]
    /// Whether Spark was to cache what it reads; it has no effect here.
    public var usesCaching: Bool
    /// Whether the new manifests are read back and compared before they are committed.
    public var verifies: Bool

    /// Takes every field.
    public init(
        specID: Int? = nil, sortBy: [String] = [], usesCaching: Bool = false, verifies: Bool = true
    ) {
        self.specID = specID
        self.sortBy = sortBy
        self.usesCaching = usesCaching
        self.verifies = verifies
    }

    /// Reads validated options.
    public init(_ options: ActionOptions) {
        self.init(
            specID: options.integer("spec_id"), sortBy: options.strings("sort_by") ?? [],
            usesCaching: options.boolean("use_caching") ?? false,
            verifies: options.boolean("verify") ?? true)
    }
}
