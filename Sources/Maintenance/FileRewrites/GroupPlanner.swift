// SPDX-License-Identifier: Apache-2.0

import IcebergTable

/// Forms groups of the files that should be rewritten, and decides which are worth it.
///
/// The steps, within each partition: candidates in the order of the manifests, packed into groups,
/// the groups that are worth it. Both file rewrites share them, as in Iceberg's own planner.
///
/// One group is left alone that Iceberg would rewrite: one that becomes as many files as it has,
/// none too large and none with deletes. The result would be planned again for ever (P-50).
struct GroupPlanner: Sendable {
    /// A file that should be rewritten, and why beyond its size.
    struct Candidate: Sendable {
        let file: LiveFile
        let reasons: Set<FileGroup.Reason>
        let deletes: AppliedDeletes
    }

    /// What became of the candidates.
    struct Outcome: Sendable {
        var groups: [FileGroup] = []
        var tooFew = LeftAlone()
        var gainless = LeftAlone()
        var beyondLimit = LeftAlone()
        /// Candidates for their keys alone that nothing of their group makes any.
        var wellSized = LeftAlone()
        /// Candidates in no group.
        var remaining: [LiveFile] = []

        fileprivate mutating func leave(_ candidates: [Candidate], bytes: Int64) {
            tooFew.add(files: candidates.count, bytes: bytes)
            remaining += candidates.map(\.file)
        }
    }

    let settings: GroupSettings
    /// What an output is expected to need of its input's bytes.
    var compressionFactor = 1.0
    /// The most files in all; nil for no limit.
    var maxFiles: Int64?
    /// With how many others of its group a file must share a range of keys for it, and these, to be
    /// rewritten for that alone; nil where there is none.
    var overlapThreshold: Int?
    /// Whether all candidates of a partition are one group, whatever its size.
    var keepsPartitionsWhole = false

    private var partitions: [PartitionKey: [Candidate]] = [:]

    init(_ settings: GroupSettings) { self.settings = settings }

    /// Adds a file that should be rewritten.
    mutating func add(_ candidate: Candidate, to partition: PartitionKey) {
        partitions[partition, default: []].append(candidate)
    }

    /// The groups in the order in which they should be rewritten.
    ///
    /// Pure: the order in which candidates were added does not matter.
    func outcome() -> Outcome {
        var outcome = Outcome()
        var left = maxFiles ?? .max
        for (partition, candidates) in inOrder() {
            let packed = BinPacking.pack(
                candidates,
                maxBytes: keepsPartitionsWhole ? .max : settings.maxGroupBytes.value,
                maxItems: keepsPartitionsWhole ? .max : settings.maxGroupFiles.value,
                size: \.file.sizeInBytes)
            for group in packed { consider(group, in: partition, left: &left, into: &outcome) }
        }
        outcome.groups = sorted(outcome.groups)
        return outcome
    }

    /// The partitions by their first file, so that a plan does not depend on chance.
    ///
    /// Files that are sorted for their keys come in the order of these, so that groups of one
    /// partition become neighbours: sorted once more, none of them overlaps with another.
    private func inOrder() -> [(PartitionKey, [Candidate])] {
        partitions
            .map { ($0, $1.sorted { $0.file.ordinal < $1.file.ordinal }) }
            .sorted { ($0.1.first?.file.ordinal ?? 0) < ($1.1.first?.file.ordinal ?? 0) }
            .map { ($0, inOrder($1)) }
    }

    /// By their keys, if files are candidates for these; otherwise in the order of the manifests.
    private func inOrder(_ candidates: [Candidate]) -> [Candidate] {
        let candidates = candidates.sorted { $0.file.ordinal < $1.file.ordinal }
        return overlapThreshold == nil
            ? candidates : KeyOverlaps.sorted(candidates, by: \.file.keySpan)
    }

    /// Those that are worth it: of files that are candidates for their keys alone such that share a
    /// range of keys with enough others of the group, and those others.
    ///
    /// Sorted together they do not any more, and so are none the next time (P-45, P-50).
    private func settled(
        _ candidates: [Candidate], into outcome: inout Outcome
    ) -> [Candidate] {
        let (kept, left) = overlapping(candidates)
        for one in left { outcome.wellSized.add(files: 1, bytes: one.file.sizeInBytes) }
        outcome.remaining += left.map(\.file)
        return kept
    }

    private func overlapping(_ candidates: [Candidate]) -> (kept: [Candidate], left: [Candidate]) {
        guard let overlapThreshold, candidates.contains(where: { $0.reasons == [.overlap] }) else {
            return (candidates, [])
        }
        let crowded = KeyOverlaps.crowded(
            candidates.map(\.file.keySpan), threshold: overlapThreshold)
        let isKept = zip(candidates, crowded).map { $0.reasons != [.overlap] || $1 }
        return (
            zip(candidates, isKept).filter(\.1).map(\.0),
            zip(candidates, isKept).filter { !$1 }.map(\.0)
        )
    }

    private func consider(
        _ candidates: [Candidate], in partition: PartitionKey, left: inout Int64,
        into outcome: inout Outcome
    ) {
        // What is cut off below lies beside the others, not among them.
        let candidates = inOrder(settled(candidates, into: &outcome))
        guard !candidates.isEmpty else { return }
        let bytes = Self.bytes(of: candidates)
        var reasons = reasons(for: candidates, bytes: bytes)
        guard !reasons.isEmpty else { return outcome.leave(candidates, bytes: bytes) }
        var taken = Array(candidates.prefix(Int(clamping: left)))
        if taken.count < candidates.count {
            let rest = candidates[taken.count...]
            outcome.beyondLimit.add(files: rest.count, bytes: Self.bytes(of: rest))
            outcome.remaining += rest.map(\.file)
            taken = settled(taken, into: &outcome)
            reasons.removeAll { $0 == .overlap && !taken.contains(because: $0) }
        }
        guard !taken.isEmpty else { return }
        guard !reasons.isEmpty else { return outcome.leave(taken, bytes: Self.bytes(of: taken)) }
        taken.sort { $0.file.ordinal < $1.file.ordinal }
        let group = group(taken, in: partition, reasons: reasons)
        guard isGain(group, of: taken) else {
            outcome.gainless.add(files: taken.count, bytes: group.bytes)
            outcome.remaining += group.files
            return
        }
        left -= Int64(taken.count)
        outcome.groups.append(group)
    }

    private func group(
        _ candidates: [Candidate], in partition: PartitionKey, reasons: [FileGroup.Reason]
    ) -> FileGroup {
        let bytes = Self.bytes(of: candidates)
        return FileGroup(
            partition: partition, files: candidates.map(\.file),
            merits: candidates.map { .init(reasons: $0.reasons, deletes: $0.deletes) },
            reasons: reasons, bytes: bytes,
            expectedFiles: expectedFiles(bytes),
            inputSplitSize: settings.sizes.inputSplitSize(bytes),
            deletionVectors: candidates.count { $0.deletes.hasDeletionVector },
            deletedRecords: candidates.reduce(0) {
                saturatingSum($0, $1.deletes.knownDeletedRecords)
            })
    }

    /// A group without some of its files, planned anew; nil if the others are not worth it.
    func remainder(of group: FileGroup, without paths: Set<String>) -> FileGroup? {
        let rest = overlapping(
            zip(group.files, group.merits).compactMap { file, merit in
                paths.contains(file.path)
                    ? nil : Candidate(file: file, reasons: merit.reasons, deletes: merit.deletes)
            }
        ).kept
        let reasons = reasons(for: rest, bytes: Self.bytes(of: rest))
        guard !rest.isEmpty, !reasons.isEmpty else { return nil }
        let smaller = self.group(rest, in: group.partition, reasons: reasons)
        return isGain(smaller, of: rest) ? smaller : nil
    }

    private func expectedFiles(_ bytes: Int64) -> Int64 {
        guard compressionFactor != 1 else { return settings.sizes.expectedOutputFiles(bytes) }
        let estimate = Int64(clampingDouble: Double(bytes) * compressionFactor)
        return max(1, settings.sizes.expectedOutputFiles(estimate))
    }

    private func reasons(for group: [Candidate], bytes: Int64) -> [FileGroup.Reason] {
        if settings.rewritesAll.value { return [.rewriteAll] }
        var reasons: [FileGroup.Reason] = []
        let several = group.count > 1
        if several, Int64(group.count) >= settings.minInputFiles.value {
            reasons.append(.enoughFiles)
        }
        if several, bytes > settings.sizes.target.value { reasons.append(.enoughContent) }
        if bytes > settings.sizes.maximum.value { reasons.append(.tooMuchContent) }
        for reason in [FileGroup.Reason.deleteFiles, .deleteRatio, .overlap, .noVectors]
        where group.contains(because: reason) {
            reasons.append(reason)
        }
        return reasons
    }

    private func isGain(_ group: FileGroup, of candidates: [Candidate]) -> Bool {
        settings.rewritesAll.value || group.expectedFiles < Int64(group.files.count)
            || candidates.contains {
                !$0.reasons.isEmpty || $0.file.sizeInBytes > settings.sizes.maximum.value
            }
    }

    private static func bytes(of candidates: some Sequence<Candidate>) -> Int64 {
        candidates.reduce(0) { saturatingSum($0, $1.file.sizeInBytes) }
    }

    private func sorted(_ groups: [FileGroup]) -> [FileGroup] {
        // Equal groups keep their order.
        func sorted(_ precedes: (FileGroup, FileGroup) -> Bool) -> [FileGroup] {
            groups.enumerated().sorted { left, right in
                precedes(left.element, right.element)
                    || !precedes(right.element, left.element) && left.offset < right.offset
            }.map(\.element)
        }
        switch settings.jobOrder.value {
        case .none: return groups
        case .bytesAscending: return sorted { $0.bytes < $1.bytes }
        case .bytesDescending: return sorted { $0.bytes > $1.bytes }
        case .filesAscending: return sorted { $0.files.count < $1.files.count }
        case .filesDescending: return sorted { $0.files.count > $1.files.count }
        }
    }
}

extension [GroupPlanner.Candidate] {
    /// Whether any of them should be rewritten because of that.
    fileprivate func contains(because reason: FileGroup.Reason) -> Bool {
        contains { $0.reasons.contains(reason) }
    }
}
