// SPDX-License-Identifier: Apache-2.0

package import IcebergSpec
package import ObjectStorage

/// A commit to a catalog that keeps, for each table, the location of its current metadata file.
///
/// 1. Read the pointer; it must be the one that the updates were planned on.
/// 2. Read that metadata, check the requirements on it, apply the updates.
/// 3. Tell the guard of the new metadata file and write it under a name that nobody had before.
/// 4. Swap the pointer, from the old location to the new one and from nothing else, unless the
///    guard is closed by then.
///
/// A failure up to 3, and a swap that certainly did not happen, removes the new file and is a
/// refusal. A swap whose reply never came keeps it: it may be the table now (P-30).
package struct PointerSwap<Storage: ObjectStorage>: Sendable {
    private let files: MetadataFiles<Storage>

    /// Takes the files to read from and write to.
    package init(files: MetadataFiles<Storage>) { self.files = files }

    /// Carries the commit out; `pointer` and `swap` are what catalogs differ in.
    ///
    /// `swap` asks the commit's guard as late as it can.
    package func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement], base: LoadedTable,
        under commitGuard: CommitGuard,
        pointer: () async throws(CatalogError) -> Location,
        swap: (_ from: Location, _ to: Location) async -> SwapOutcome
    ) async -> CommitOutcome {
        let current: LoadedTable
        let next: LoadedTable
        do throws(CommitRefusal) {
            current = try await load(base, pointer: pointer)
            let metadata = try files.change(current, by: updates, requirements: requirements)
            guard !updates.isEmpty else { return .committed(current) }
            next = try await write(metadata, after: current, noting: commitGuard.files)
        } catch {
            return .refused(error)
        }
        switch await swap(current.metadataLocation, next.metadataLocation) {
        case .swapped:
            await commitGuard.files.isSettled(next.metadataLocation)
            await files.removeDropped(from: current, by: next)
            return .committed(next)
        case .refused(let refusal):
            if await discard(next.metadataLocation) {
                await commitGuard.files.isSettled(next.metadataLocation)
            }
            return .refused(refusal)
        case .unknown(let reason):
            return .unknown(reason: reason, metadataLocation: next.metadataLocation)
        }
    }

    private func load(
        _ base: LoadedTable, pointer: () async throws(CatalogError) -> Location
    ) async throws(CommitRefusal) -> LoadedTable {
        do throws(CatalogError) {
            let location = try await pointer()
            if location == base.metadataLocation {
                return try await files.load(location, of: base.identifier)
            }
        } catch {
            throw CommitRefusal(reading: error)
        }
        throw .conflict(reason: "\(base.identifier) was changed meanwhile")
    }

    private func write(
        _ metadata: TableMetadata, after current: LoadedTable, noting noted: CommitFiles
    ) async throws(CommitRefusal) -> LoadedTable {
        let compression = try files.compression(of: metadata)
        let bytes = try files.encode(metadata, compression)
        let location = MetadataFileName.folder(of: metadata).appending(
            MetadataFileName.next(after: current.metadataLocation, compression))
        try await noted.willWrite(location, current)
        do throws(StorageError) {
            try await files.storage.write(bytes, to: location, condition: .absent)
        } catch {
            // It stays noted: a write that failed late may still come to be.
            _ = await discard(location)
            throw CommitRefusal(writing: error)
        }
        return LoadedTable(
            identifier: current.identifier, metadataLocation: location, metadata: metadata)
    }

    /// Best effort: the name is unique and nothing points to it, so what stays is an orphan.
    ///
    /// Returns whether it is gone.
    private func discard(_ location: Location) async -> Bool {
        let outcomes = await files.storage.remove([location])
        return outcomes == [.removed] || outcomes == [.alreadyGone]
    }
}

/// What became of a pointer's swap.
package enum SwapOutcome: Sendable {
    /// The pointer is the new location.
    case swapped
    /// It was not, and will not become, the new location.
    case refused(CommitRefusal)
    /// It may be.
    case unknown(reason: String)
}
