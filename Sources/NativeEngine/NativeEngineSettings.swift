// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
public import IcebergTable

/// How much the engine holds and does at once.
public struct NativeEngineSettings: Hashable, Sendable {
    /// The most bytes that the paths of one action may take: `ICEPACK_NATIVE_MEMORY_BYTES`.
    public var memoryBytes: Int
    /// How many processors there are to work on groups at once.
    public var processors: Int
    /// How many manifest lists or manifests are read at once.
    public var readWidth: Int
    /// How many removals are under way at once where the request does not say.
    public var removalWidth: Int
    /// Where files may be removed: `ICEPACK_REMOVAL_PREFIXES`.
    public var allowedPrefixes: AllowedPrefixes
    /// Where temporary files go.
    public var temporaryFolder: String

    /// Where temporary files go where nobody says anything.
    public static let defaultTemporaryFolder = "/tmp"
    /// The processors of this machine.
    public static var availableProcessors: Int { ProcessInfo.processInfo.activeProcessorCount }
    /// The reads at once where nobody says anything; about twice the cores is good.
    public static let defaultReadWidth = 8
    /// The removals at once where nobody says anything.
    public static let defaultRemovalWidth = 8
    /// The most removals at once, whatever the request says.
    public static let maxRemovalWidth = 256

    /// The lease that must be left before a commit: a catalog may take this long to answer.
    static let commitReserve = Duration.seconds(90)
    /// The lease that must be left before a batch of removals or of journal entries.
    static let batchReserve = Duration.seconds(60)
    /// Files between two renewals of the lease, and journal entries at once.
    static let batchSize = 1000
    /// More memory than this does not make a sort faster.
    static let maxSortBytes = 32 << 20
    /// How many metadata files are read at once; each may be large.
    static let metadataReadWidth = 2
    /// Files of one batch of moves, which are recorded together.
    static let moveBatchSize = 500
    /// Files that one call copies; a cancelled task stops after it.
    static let copySliceSize = 10
    /// Removals of a batch after which the store is asked whether they happened (P-12).
    static let verifiedRemovals = 5
    /// How far a store's clock may be from ours.
    static let maxClockDifference = Duration.seconds(3600)
    /// Files that one call removes; a cancelled task stops after it.
    static let sliceSize = 50

    /// Takes every field.
    public init(
        memoryBytes: Int = ReachabilityLimits.defaultMemoryBytes,
        readWidth: Int = defaultReadWidth, removalWidth: Int = defaultRemovalWidth,
        allowedPrefixes: AllowedPrefixes = .everywhere,
        temporaryFolder: String = defaultTemporaryFolder,
        processors: Int = availableProcessors
    ) {
        self.memoryBytes = memoryBytes
        self.readWidth = readWidth
        self.removalWidth = removalWidth
        self.allowedPrefixes = allowedPrefixes
        self.temporaryFolder = temporaryFolder
        self.processors = processors
    }

    /// The most bytes that one sort holds in memory; at most four are at work at once.
    var sortBytes: Int { min(max(memoryBytes / 16, 64 << 10), Self.maxSortBytes) }

    /// The most bytes of manifests that a rewrite of files remembers, or changes at once.
    var manifestBytes: Int { memoryBytes / 64 }

    /// How snapshots are scanned.
    var scanLimits: ScanLimits { ScanLimits(width: readWidth) }

    /// The limits of a walk over a table's files.
    var reachabilityLimits: ReachabilityLimits {
        ReachabilityLimits(memoryBytes: memoryBytes, width: readWidth)
    }
}
