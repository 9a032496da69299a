// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Maintenance
import ObjectStorage

extension OrphanListing {
    /// Takes what another engine found instead of listing; paths outside the roots are passed over.
    ///
    /// Sizes and ages are what the store says now; what is no longer there is left out. A full
    /// listing would also meet what is none of the table's. Its signs are looked for in every
    /// folder above a candidate: table metadata, and the logs of other formats.
    mutating func take<Storage: ObjectStorage>(
        _ candidates: [Location], in storage: Storage, width: Int,
        _ report: (ActionProgress) -> Void
    ) async throws(MaintenanceError) {
        let placed = candidates.compactMap { place($0) }
        try await lookAround(placed, in: storage, width: width)
        let stat: @Sendable (Candidate) async throws(MaintenanceError) -> Candidate? = {
            candidate throws(MaintenanceError) in
            do throws(StorageError) {
                guard let info = try await storage.stat(candidate.info.location) else { return nil }
                return Candidate(root: candidate.root, relative: candidate.relative, info: info)
            } catch {
                throw MaintenanceError(error)
            }
        }
        var found: [Candidate] = []
        try await BoundedTasks.forEach(
            placed, width: width, cancelled: MaintenanceError.cancelled,
            finished: { (candidate: Candidate?) in if let candidate { found.append(candidate) } },
            stat)
        for candidate in found {
            try note(candidate.info, relative: candidate.relative.utf8[...])
        }
        report(
            ActionProgress(
                phase: "looking at the listed files", done: Int64(count),
                total: Int64(candidates.count), unit: "files"))
    }

    /// A path that another engine named, in its place.
    private struct Candidate: Sendable {
        let root: TableRoots.Root
        let relative: String
        var info: ObjectInfo
    }

    /// Spelled as a listing would, so that it stays within the store of its root.
    private func place(_ location: Location) -> Candidate? {
        let key = matching.key(of: location.rawValue)
        guard let root = roots.first(where: { $0.contains(key) }) else { return nil }
        let below = String(decoding: key.dropFirst(root.key.count + 1), as: UTF8.self)
        return Candidate(
            root: root, relative: below,
            info: ObjectInfo(
                location: Location(root.location.rawValue + "/" + below),
                size: InventoryReader.unknownSize, modifiedMilliseconds: nil))
    }

    private mutating func lookAround<Storage: ObjectStorage>(
        _ candidates: [Candidate], in storage: Storage, width: Int
    ) async throws(MaintenanceError) {
        var folders: Set<Location> = []
        for candidate in candidates {
            var folder = candidate.root.location
            folders.insert(folder)
            for segment in candidate.relative.split(separator: "/").dropLast() {
                folder = folder.appending(String(segment))
                folders.insert(folder)
            }
        }
        let places = folders.sorted().flatMap { folder in
            ListedFileRules.tellingFolders.map { folder.appending($0) }
        }
        let (roots, rules, matching) = (roots, rules, matching)
        let look: @Sendable (Location) async throws(MaintenanceError) -> [Location] = {
            place throws(MaintenanceError) in
            var found: [Location] = []
            do {
                for try await info in storage.list(place) {
                    let key = matching.key(of: info.location.rawValue)
                    guard let root = roots.first(where: { $0.contains(key) }) else { continue }
                    let below = String(decoding: key.dropFirst(root.key.count + 1), as: UTF8.self)
                    let verdict = key.withUnsafeBytes {
                        rules.verdict(key: $0, relative: below.utf8[...])
                    }
                    switch verdict {
                    case .metadata: found.append(info.location)
                    case .foreignFormat:
                        throw MaintenanceError(OrphanRefusal.foreignFormat(info.location.rawValue))
                    case .candidate, .kept, .skipped: break
                    }
                }
            } catch let error as MaintenanceError {
                throw error
            } catch {
                throw MaintenanceError(listing: error)
            }
            return found
        }
        var found: Set<Location> = []
        try await BoundedTasks.forEach(
            places, width: width, cancelled: MaintenanceError.cancelled,
            finished: { (locations: [Location]) in found.formUnion(locations) }, look)
        owned(found.sorted())
    }
}
