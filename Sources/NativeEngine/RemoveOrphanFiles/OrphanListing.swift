// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Maintenance
import ObjectStorage
import SortedRuns

/// What lies below the roots: listed by the store, sorted by key on disk.
struct OrphanListing {
    /// The roots, the innermost of which decides a path's place.
    let roots: [TableRoots.Root]
    let rules: ListedFileRules
    let matching: PathMatching
    let age: OrphanAge
    var sorter: RecordSorter
    /// Table metadata that was found, which must be the table's own.
    private(set) var metadataFiles: [Location] = []
    /// How many objects were listed, of those that are looked at.
    private(set) var count = 0
    /// How many of them are too young, or of no known age.
    private(set) var youngCount = 0
    /// How many stay whatever their age.
    private(set) var keptCount = 0

    /// Objects between two looks at whether the task was cancelled.
    private static let stride = 500

    init(
        roots: [TableRoots.Root], rules: ListedFileRules, matching: PathMatching, age: OrphanAge,
        sorter: RecordSorter
    ) {
        self.roots = roots
        self.rules = rules
        self.matching = matching
        self.age = age
        self.sorter = sorter
    }

    /// Lists a root.
    mutating func list<Storage: ObjectStorage>(
        _ root: TableRoots.Root, in storage: Storage, _ report: (ActionProgress) -> Void
    ) async throws(MaintenanceError) {
        let prefix = root.location.rawValue
        let isBare = prefix.utf8.last == UInt8(ascii: "/")
        var seen = 0
        do {
            for try await info in storage.list(root.location) {
                let text = info.location.rawValue.utf8
                guard text.starts(with: prefix.utf8), text.count > prefix.utf8.count else {
                    throw MaintenanceError(
                        OrphanRefusal.incompleteListing(
                            "\(info.location) was listed, which is not below \(prefix)"))
                }
                let relative = text.dropFirst(prefix.utf8.count + (isBare ? 0 : 1))
                try note(info, relative: relative)
                seen += 1
                if seen.isMultiple(of: Self.stride) {
                    try MaintenanceError.checkCancellation()
                    report(
                        ActionProgress(
                            phase: "listing files", done: Int64(count), total: nil, unit: "files"))
                }
            }
        } catch let error as MaintenanceError {
            throw error
        } catch {
            throw MaintenanceError(listing: error)
        }
        try MaintenanceError.checkCancellation()
    }

    /// Takes in table metadata that lies around, though it is not listed.
    mutating func owned(_ files: [Location]) { metadataFiles += files }

    /// Judges an object and takes it into the sort.
    mutating func note(
        _ info: ObjectInfo, relative: Substring.UTF8View
    ) throws(MaintenanceError) {
        let key = matching.key(of: info.location.rawValue)
        let verdict = key.withUnsafeBytes { rules.verdict(key: $0, relative: relative) }
        var isCandidate = false
        switch verdict {
        case .skipped: return
        case .foreignFormat:
            throw MaintenanceError(OrphanRefusal.foreignFormat(info.location.rawValue))
        case .kept: keptCount += 1
        case .metadata:
            metadataFiles.append(info.location)
            isCandidate = true
        case .candidate: isCandidate = true
        }
        count += 1
        if isCandidate, !age.isOldEnough(info.modifiedMilliseconds) {
            youngCount += 1
            isCandidate = false
        }
        do throws(SortedRunsError) {
            try sorter.append(
                key: key, value: FoundFile(info: info, isCandidate: isCandidate).encode())
        } catch {
            throw MaintenanceError(error)
        }
    }
}
