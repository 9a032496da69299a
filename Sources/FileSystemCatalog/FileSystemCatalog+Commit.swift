// SPDX-License-Identifier: Apache-2.0

public import IcebergCatalog
public import IcebergSpec
import ObjectStorage

extension FileSystemCatalog {
    /// Applies updates to the table if every requirement holds, by creating its next version.
    ///
    /// 1. Find the current version; it must be the one that the updates were planned on, and there
    ///    must be none above it.
    /// 2. Read it, check the requirements on it, apply the updates.
    /// 3. Create the next version's file. This is the commit. If its reply never came, read the
    ///    file: our bytes mean that it happened, others that somebody else's did.
    /// 4. Bring the hint up to it. A crash before that is harmless: readers look past the hint.
    public func commit(
        _ updates: [TableUpdate], requirements: [TableRequirement],
        to identifier: TableIdentifier, base: LoadedTable, under commitGuard: CommitGuard
    ) async -> CommitOutcome {
        do throws(CommitRefusal) {
            let (folder, version, table) = try await loadForCommit(identifier, base: base)
            let metadata = try files.change(table, by: updates, requirements: requirements)
            guard !updates.isEmpty else { return .committed(table) }
            // Named for what the table was, not for what it becomes: writers that start from one
            // version then all try to create the same name, and only one of them can.
            let compression = try files.compression(of: table.metadata)
            let next = VersionFileName(version: version.version + 1, compression)
            let bytes = try files.encode(metadata, compression)
            return await create(
                next, bytes, in: folder, from: table,
                to: LoadedTable(
                    identifier: identifier,
                    metadataLocation: table.metadataLocation.sibling(next.text),
                    metadata: metadata), under: commitGuard)
        } catch {
            return .refused(error)
        }
    }

    private func loadForCommit(
        _ identifier: TableIdentifier, base: LoadedTable
    ) async throws(CommitRefusal) -> (TableFolder<Storage>, VersionFileName, LoadedTable) {
        let found: (TableFolder<Storage>, TableFolder<Storage>.Current, LoadedTable)
        let versions: [VersionFileName]
        do throws(CatalogError) { found = try await load(identifier) } catch {
            throw CommitRefusal(reading: error)
        }
        let (folder, current, table) = found
        try await checkStorage(at: folder.metadataFolder)
        do throws(StorageError) { versions = try await folder.versions() } catch {
            throw CommitRefusal(writing: error)
        }
        guard case .version(let version) = current else {
            throw .rejected(
                reason: "\(identifier) is kept by another catalog: its current metadata file"
                    + " \(current.fileName) has no version")
        }
        guard table.metadataLocation == base.metadataLocation else {
            throw .conflict(reason: "\(identifier) was changed meanwhile")
        }
        try checkNothingAbove(version, among: versions, of: identifier)
        guard table.metadata.properties[MetadataFileName.pathProperty] == nil else {
            throw .rejected(
                reason: "\(identifier) has \(MetadataFileName.pathProperty) set, which tables"
                    + " of a file-system catalog cannot have")
        }
        return (folder, version, table)
    }

    private func checkStorage(at location: Location) async throws(CommitRefusal) {
        let creation: ExclusiveCreation
        do throws(StorageError) {
            creation = try await files.storage.exclusiveCreation(at: location)
        } catch {
            throw CommitRefusal(writing: error)
        }
        switch creation {
        case .guaranteed: return
        case .unproven(let reason):
            throw .rejected(
                reason: "tables below \(location) can only be read: a file-system catalog needs"
                    + " a storage where only one writer can create a file, and \(reason)")
        }
    }

    private func checkNothingAbove(
        _ current: VersionFileName, among versions: [VersionFileName],
        of identifier: TableIdentifier
    ) throws(CommitRefusal) {
        guard let highest = versions.map(\.version).max(), highest > current.version else { return }
        if versions.contains(where: { $0.version == current.version + 1 }) {
            throw .conflict(reason: "\(identifier) was changed meanwhile")
        }
        // Readers that find no hint would take the highest version, the others this one. Neither
        // may be built upon.
        throw .rejected(
            reason: "\(identifier) has version \(highest) but not \(current.version + 1);"
                + " restore the missing metadata files, or remove those that do not belong")
    }

    private func create(
        _ name: VersionFileName, _ bytes: [UInt8], in folder: TableFolder<Storage>,
        from before: LoadedTable, to after: LoadedTable, under commitGuard: CommitGuard
    ) async -> CommitOutcome {
        let location = folder.metadataFolder.appending(name.text)
        // A check sum that an interrupted writer left would make Hadoop refuse the new file.
        _ = await files.storage.remove([folder.metadataFolder.appending(".\(name.text).crc")])
        guard commitGuard.isOpen() else { return .refused(CommitGuard.refusal) }
        do throws(StorageError) {
            try await files.storage.write(bytes, to: location, condition: .absent)
        } catch {
            switch error {
            case .alreadyExists:
                return .refused(.conflict(reason: "\(before.identifier) was changed meanwhile"))
            case .outcomeUnknown(_, let reason):
                if let outcome = await readBack(bytes, at: location, reason: reason) {
                    return outcome
                }
            case .notFound, .tooLarge, .denied, .unavailable, .unsupported:
                return .refused(CommitRefusal(writing: error))
            }
        }
        await folder.advanceHint(to: name.version)
        await files.removeDropped(from: before, by: after)
        return .committed(after)
    }

    /// What a creation whose reply never came did; nil if it happened.
    ///
    /// No metadata location goes with an unknown outcome: another writer's commit would have the
    /// same name.
    private func readBack(
        _ bytes: [UInt8], at location: Location, reason: String
    ) async -> CommitOutcome? {
        do throws(StorageError) {
            let found = try await files.storage.read(location, limit: bytes.count)
            return found == bytes
                ? nil : .refused(.conflict(reason: "\(location) was written by somebody else"))
        } catch {
            switch error {
            case .tooLarge:
                return .refused(.conflict(reason: "\(location) was written by somebody else"))
            case .notFound, .alreadyExists, .denied, .unavailable, .outcomeUnknown, .unsupported:
                return .unknown(reason: "\(reason); then: \(error)", metadataLocation: nil)
            }
        }
    }
}

extension Location {
    /// Another name in the same folder.
    fileprivate func sibling(_ name: String) -> Location {
        Location(String(rawValue.dropLast(lastComponent.count)) + name)
    }
}
