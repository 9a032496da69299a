// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage
import SortedRuns

/// Compares what is listed with what is needed.
///
/// Both come in the order of their keys, so one pass finds the listed files that nothing needs, and
/// the needed files that were not listed. If there are both, ``LikenessCheck`` looks for files that
/// are only spelled otherwise.
struct OrphanJoin {
    /// What came out.
    struct Outcome {
        /// The orphans by key; what their records hold is a ``FoundFile``.
        var orphans: RecordSorter
        /// Needed files that were not listed, by what they are called.
        var unlisted: RecordSorter
        /// How many bytes the orphans have.
        var orphanBytes: Int64 = 0
        /// How many distinct files are needed.
        var liveCount = 0
        /// How many of those lie in none of the folders that were listed.
        var outsideCount = 0
        /// How many of those in the folders were not listed.
        var missingCount = 0
        /// The first of these.
        var missing: [Location] = []
    }

    /// How many missing files are remembered.
    static let missingSample = 20
    /// Records between two looks at whether the task was cancelled.
    static let stride = 5000

    let roots: [TableRoots.Root]
    let likeness: LikenessHash

    /// Goes through both, once; sorters that are empty take the results.
    func run(
        listed: SortedRecords, live: SortedRecords, orphans: RecordSorter, unlisted: RecordSorter
    ) throws(MaintenanceError) -> Outcome {
        var outcome = Outcome(orphans: orphans, unlisted: unlisted)
        do throws(SortedRunsError) {
            var needed = NeededFile(records: live)
            try needed.advance()
            var seen = 0
            while try listed.advance() {
                while needed.isThere, needed.compare(toKeyOf: listed) < 0 {
                    try settle(needed, &outcome)
                    try needed.advance()
                }
                if needed.isThere, needed.compare(toKeyOf: listed) == 0 {
                    needed.isListed = true
                } else {
                    try note(listed, &outcome)
                }
                seen += 1
                if seen.isMultiple(of: Self.stride), Task.isCancelled { break }
            }
            while needed.isThere, !Task.isCancelled {
                try settle(needed, &outcome)
                try needed.advance()
            }
        } catch {
            throw MaintenanceError(error)
        }
        try MaintenanceError.checkCancellation()
        return outcome
    }

    /// Nothing needs the listed file.
    private func note(
        _ listed: SortedRecords, _ outcome: inout Outcome
    ) throws(SortedRunsError) {
        let added = listed.withCurrent { key, value -> Result<Int64, SortedRunsError>? in
            guard FoundFile.isCandidate(value) else { return nil }
            do throws(SortedRunsError) {
                try outcome.orphans.append(key: key, value: value)
                return .success(FoundFile(decoding: value).info.size)
            } catch {
                return .failure(error)
            }
        }
        if let added { outcome.orphanBytes += try added.get() }
    }

    /// The pass is beyond a needed file.
    private func settle(
        _ needed: NeededFile, _ outcome: inout Outcome
    ) throws(SortedRunsError) {
        // Spared wherever it is; a table that has none lacks nothing.
        if !needed.isListed, needed.isVersionHint { return }
        outcome.liveCount += 1
        guard !needed.isListed else { return }
        if roots.contains(where: { $0.contains(needed.key) }) {
            outcome.missingCount += 1
            if outcome.missing.count < Self.missingSample {
                outcome.missing.append(Location(String(decoding: needed.path, as: UTF8.self)))
            }
        } else {
            outcome.outsideCount += 1
        }
        let path = needed.path
        let key = path.withUnsafeBytes { LikenessCheck.key(of: $0, likeness) }
        try outcome.unlisted.append(key: key, value: path)
    }
}

/// The needed file that a pass is at; several records of one file count once.
private struct NeededFile {
    let records: SortedRecords
    private(set) var key: [UInt8] = []
    private(set) var path: [UInt8] = []
    private(set) var isThere = false
    var isListed = false

    init(records: SortedRecords) { self.records = records }

    var isVersionHint: Bool {
        let name = "/\(ListedFileRules.versionHint)".utf8
        return path.suffix(name.count).elementsEqual(name)
    }

    mutating func advance() throws(SortedRunsError) {
        while try records.advance() {
            let isSame = isThere && records.withCurrent { next, _ in next.elementsEqual(key) }
            if isSame { continue }
            (key, path) = records.withCurrent { (Array($0), Array($1)) }
            isThere = true
            isListed = false
            return
        }
        isThere = false
    }

    func compare(toKeyOf other: SortedRecords) -> Int {
        key.withUnsafeBytes { mine in
            other.withCurrent { theirs, _ in ByteOrder.compare(mine, theirs) }
        }
    }
}
