// SPDX-License-Identifier: Apache-2.0

import ObjectStorage

/// How much a walk over a table's files may hold and do at once.
public struct ReachabilityLimits: Hashable, Sendable {
    /// The most bytes that paths may take; what is being read comes on top.
    public var memoryBytes: Int
    /// How many manifest lists or manifests are read at once.
    public var width: Int

    /// The memory where nobody says anything: `ICEPACK_NATIVE_MEMORY_BYTES`.
    public static let defaultMemoryBytes = 512 << 20
    /// The setting that raises ``memoryBytes``, for messages.
    public static let memorySetting = "ICEPACK_NATIVE_MEMORY_BYTES"
    /// The most reads at once that make sense.
    public static let maxWidth = 64

    /// Takes both; the width is kept between 1 and ``maxWidth``.
    public init(memoryBytes: Int = defaultMemoryBytes, width: Int) {
        self.memoryBytes = memoryBytes
        self.width = min(max(1, width), Self.maxWidth)
    }
}

/// Why it cannot be said which files a table needs, so that nothing may be removed.
public enum ReachabilityError: Error, Hashable, Sendable {
    /// A manifest list or manifest cannot be had or understood (P-08).
    case unreadable(path: String, reason: String)
    /// A passing fault of the store.
    case unavailable(path: String, reason: String)
    /// A manifest list or manifest is encrypted, and we have no keys (P-16).
    case encrypted(path: String)
    /// The paths need more memory than is allowed.
    case memory(limit: Int, paths: Int)
    /// The task was cancelled.
    case cancelled
}

extension ReachabilityError {
    /// What a manifest that cannot be read means here.
    init(_ error: ManifestError) {
        switch error {
        case .storage(let error): self.init(error)
        case .encrypted(let location): self = .encrypted(path: location.rawValue)
        case .malformed(let location, _), .unknownFormatVersion(let location, _),
            .inconsistent(let location, _):
            self = .unreadable(path: location.rawValue, reason: error.description)
        }
    }

    private init(_ error: StorageError) {
        switch error {
        case .unavailable(let location, let reason):
            self = .unavailable(path: location.rawValue, reason: reason)
        case .notFound(let location), .alreadyExists(let location),
            .tooLarge(let location, limit: _),
            .denied(let location, reason: _), .outcomeUnknown(let location, reason: _),
            .unsupported(let location, reason: _):
            self = .unreadable(path: location.rawValue, reason: error.description)
        }
    }
}

extension ReachabilityError: CustomStringConvertible {
    /// A sentence for a person.
    public var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
        case .unavailable(let path, let reason): "\(path) cannot be read now: \(reason)"
        case .encrypted(let path): "\(path) is encrypted, and there is no key to read it with"
        case .memory(let limit, let paths):
            "the table's files do not fit into \(limit) bytes of memory (\(paths) paths did); "
                + "raise \(ReachabilityLimits.memorySetting)"
        case .cancelled: "the action was cancelled"
        }
    }
}
