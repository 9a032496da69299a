// SPDX-License-Identifier: Apache-2.0

/// Files that may be removed, until something that needs them is found.
///
/// Invariant: a file that was struck out once never comes back.
public struct CandidateFiles: Sendable {
    private var paths: PathSet
    /// One kind a path, and ``struck`` for those that are needed after all.
    private var kinds: [UInt8] = []
    /// How many candidates are left.
    public private(set) var count = 0
    /// How many of them are data or delete files.
    public private(set) var contentCount = 0

    private static let struck: UInt8 = .max

    /// No files; their paths may take this many bytes.
    public init(limit: Int) { paths = PathSet(limit: limit) }

    /// Whether no candidate is left.
    public var isEmpty: Bool { count == 0 }

    /// How many bytes the paths take.
    public var byteCount: Int { paths.byteCount + kinds.capacity }

    /// Adds a candidate; one that is there already keeps its kind, and one struck out stays out.
    ///
    /// - Returns: the path's number, for ``isLeft(at:)``.
    @discardableResult
    public mutating func insert(_ path: String, kind: FileKind) throws(PathSetFull) -> Int {
        let outcome = try paths.insert(path)
        note(outcome, kind)
        return outcome.index
    }

    /// Adds a candidate by its path's bytes.
    mutating func insert(_ path: UnsafeRawBufferPointer, kind: FileKind) throws(PathSetFull) {
        note(try paths.insert(path), kind)
    }

    private mutating func note(_ outcome: (inserted: Bool, index: Int), _ kind: FileKind) {
        guard outcome.inserted else { return }
        kinds.append(kind.code)
        count += 1
        if kind.isContent { contentCount += 1 }
    }

    /// Takes a file off the list: something needs it.
    public mutating func strike(_ path: String) {
        if let index = paths.index(of: path) { strike(at: index) }
    }

    /// Takes every file off the list.
    public mutating func strikeAll() {
        for index in kinds.indices { strike(at: index) }
    }

    /// Takes the file with this number off the list.
    mutating func strike(at index: Int) {
        guard let kind = FileKind(code: kinds[index]) else { return }
        kinds[index] = Self.struck
        count -= 1
        if kind.isContent { contentCount -= 1 }
    }

    /// The paths and their numbers, those struck out among them, for many tasks to look up in.
    var frozenPaths: PathSet { paths }

    /// The numbers of all paths, those struck out among them.
    var allIndices: Range<Int> { kinds.indices }

    /// How many candidates of each kind are left.
    public var counts: [FileKind: Int] {
        var counts: [FileKind: Int] = [:]
        for code in kinds {
            if let kind = FileKind(code: code) { counts[kind, default: 0] += 1 }
        }
        return counts
    }

    /// Whether the path with this number is a candidate still.
    public func isLeft(at index: Int) -> Bool { kinds[index] != Self.struck }

    /// Whether a path is a candidate still.
    public func contains(_ path: String) -> Bool {
        paths.index(of: path).map { kinds[$0] != Self.struck } ?? false
    }

    /// Visits the candidates of one kind in batches; no `String` is made before its turn.
    public func forEachBatch<Failure: Error>(
        of kind: FileKind, size: Int, _ body: ([String]) async throws(Failure) -> Void
    ) async throws(Failure) {
        var batch: [String] = []
        for (index, code) in kinds.enumerated() where code == kind.code {
            batch.append(paths[index])
            if batch.count == size {
                try await body(batch)
                batch.removeAll(keepingCapacity: true)
            }
        }
        if !batch.isEmpty { try await body(batch) }
    }
}

extension FileKind {
    /// The kind as one byte.
    fileprivate var code: UInt8 {
        switch self {
        case .dataFile: 0
        case .positionDeleteFile: 1
        case .equalityDeleteFile: 2
        case .manifest: 3
        case .manifestList: 4
        case .statisticsFile: 5
        case .metadataFile: 6
        }
    }

    fileprivate init?(code: UInt8) {
        guard let kind = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = kind
    }
}
