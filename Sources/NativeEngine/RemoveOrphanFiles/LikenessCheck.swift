// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage
import SortedRuns

/// Looks for orphans that may be needed files under another spelling (P-04, P-10).
///
/// A listed file that nothing needs, called as a needed file that was not listed where the metadata
/// has it, is no orphan without further words: schemes, authorities, percent signs, Unicode forms
/// and symbolic links all end like that. Files that were listed where they are needed are out of
/// this: another file of the same name is then really another.
///
/// Steps: sort the orphans by what they are called, as the needed files are already; go through
/// both; keep, take or refuse, as the request says.
struct LikenessCheck {
    /// What came out.
    struct Outcome {
        /// The orphans that are left, by key.
        var orphans: RecordSorter
        /// How many bytes they have.
        var orphanBytes: Int64 = 0
        /// How many listed files stay because they look like a needed one.
        var keptCount = 0
    }

    /// Files that look alike, and one example.
    private struct Finding {
        var count = 0
        var listed = ""
        var live = ""

        mutating func add(_ file: FoundFile, _ live: [UInt8]) {
            count += 1
            guard count == 1 else { return }
            listed = file.info.location.rawValue
            self.live = String(decoding: live, as: UTF8.self)
        }
    }

    let matching: PathMatching
    let likeness: LikenessHash
    let mode: RemoveOrphanFilesOptions.PrefixMismatch

    /// What paths that look alike share: first the name, then the whole path.
    static func key(of path: UnsafeRawBufferPointer, _ likeness: LikenessHash) -> [UInt8] {
        var key: [UInt8] = []
        withUnsafeBytes(of: likeness.name(of: path).bigEndian) { key.append(contentsOf: $0) }
        withUnsafeBytes(of: likeness.path(of: path).bigEndian) { key.append(contentsOf: $0) }
        return key
    }

    /// Goes through the orphans; sorters that are empty take what is on the way and what is left.
    func run(
        orphans: SortedRecords, unlisted: SortedRecords, byName: RecordSorter, rest: RecordSorter
    ) throws(MaintenanceError) -> Outcome {
        var outcome = Outcome(orphans: rest)
        var mismatch = Finding()
        var nearMiss = Finding()
        do throws(SortedRunsError) {
            let sorted = try sort(orphans, into: byName)
            var needed = Needed(records: unlisted)
            try needed.advance()
            while try sorted.advance(), !Task.isCancelled {
                let (key, file) = sorted.withCurrent { (Array($0), FoundFile(decoding: $1)) }
                switch try needed.likeness(to: key) {
                case .none: try take(file, &outcome)
                case .path(let live):
                    mismatch.add(file, live)
                    if mode == .delete { try take(file, &outcome) } else { outcome.keptCount += 1 }
                case .name(let live):
                    nearMiss.add(file, live)
                    outcome.keptCount += 1
                }
            }
        } catch {
            throw MaintenanceError(error)
        }
        try MaintenanceError.checkCancellation()
        if mismatch.count > 0, mode == .error {
            throw MaintenanceError(
                OrphanRefusal.prefixMismatch(
                    listed: mismatch.listed, live: mismatch.live, count: mismatch.count))
        }
        if nearMiss.count > 0, mode != .ignore {
            throw MaintenanceError(
                OrphanRefusal.nearMiss(
                    listed: nearMiss.listed, live: nearMiss.live, count: nearMiss.count))
        }
        return outcome
    }

    private func sort(
        _ orphans: SortedRecords, into sorter: RecordSorter
    ) throws(SortedRunsError) -> SortedRecords {
        var sorter = sorter
        while try orphans.advance(), !Task.isCancelled {
            let value = orphans.withCurrent { _, value in Array(value) }
            var path = value.withUnsafeBytes { FoundFile(decoding: $0) }.info.location.rawValue
            let key = path.withUTF8 { Self.key(of: UnsafeRawBufferPointer($0), likeness) }
            try sorter.append(key: key, value: value)
        }
        return try sorter.finish()
    }

    private func take(_ file: FoundFile, _ outcome: inout Outcome) throws(SortedRunsError) {
        outcome.orphanBytes += file.info.size
        try outcome.orphans.append(
            key: matching.key(of: file.info.location.rawValue), value: file.encode())
    }
}

/// The needed file that a pass by names is at.
///
/// Invariant: `name` is the name of the last record that was gone past or is at hand, so that the
/// last of several orphans of one name still finds it.
private struct Needed {
    enum Likeness {
        case none
        /// The same path under another scheme or authority.
        case path([UInt8])
        /// The same name in another folder.
        case name([UInt8])
    }

    let records: SortedRecords
    private var key: [UInt8] = []
    private var isThere = false
    private var passed: (name: [UInt8], path: [UInt8])?

    init(records: SortedRecords) { self.records = records }

    mutating func advance() throws(SortedRunsError) {
        isThere = try records.advance()
        key = isThere ? records.withCurrent { key, _ in Array(key) } : []
    }

    private var path: [UInt8] { records.withCurrent { _, value in Array(value) } }

    mutating func likeness(to other: [UInt8]) throws(SortedRunsError) -> Likeness {
        while isThere, key.lexicographicallyPrecedes(other) {
            passed = (Array(key.prefix(8)), path)
            try advance()
        }
        if isThere, key == other { return .path(path) }
        if isThere, key.prefix(8) == other.prefix(8) { return .name(path) }
        if let passed, passed.name.elementsEqual(other.prefix(8)) { return .name(passed.path) }
        return .none
    }
}
