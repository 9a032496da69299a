// SPDX-License-Identifier: Apache-2.0

public import IcebergSpec
public import ObjectStorage

/// Reads a manifest list back that was written and compares it with the one it replaces.
public struct ManifestListVerification<Storage: ObjectStorage>: Sendable {
    private let reader: ManifestListReader<Storage>

    /// Checks lists in a storage.
    public init(storage: Storage) { reader = ManifestListReader(storage: storage) }

    /// Checks that a list names the manifests that were to stay, as they were, and the new ones
    /// as they were verified, and nothing else.
    ///
    /// - Parameters:
    ///   - location: the list that was written.
    ///   - current: the rows of the table's list.
    ///   - replaced: the paths of those that go.
    ///   - created: the new manifests.
    ///   - draft: the new snapshot, whose numbers its rows must have.
    public func check(
        _ location: Location, current: [ManifestFile], replacing replaced: Set<String>,
        by created: [StoredManifest], in draft: ReplaceSnapshot
    ) async throws(VerificationFailure) {
        let found: [ManifestFile]
        do throws(ManifestError) { found = try await reader.manifests(in: location) } catch {
            throw .unreadable(error)
        }
        var expected: [String: ManifestFile] = [:]
        for row in current where !replaced.contains(row.path) { expected[row.path] = row }
        for manifest in created {
            var row = manifest.row
            row.addedSnapshotID = draft.id
            row.sequenceNumber = draft.sequenceNumber
            expected[row.path] = row
        }
        for row in found {
            guard var wanted = expected.removeValue(forKey: row.path) else {
                throw .mismatch(
                    "the new manifest list names \(row.path), which does not belong there or is "
                        + "there twice")
            }
            // A row id that the commit gives out is a new one; all else is known.
            if wanted.firstRowID == nil, row.content == .data, let first = draft.firstRowID {
                guard let given = row.firstRowID, given >= first else {
                    throw .mismatch(
                        "the new manifest list gives row ids to \(row.path) that are not new")
                }
                wanted.firstRowID = given
            }
            guard row == wanted else {
                throw .mismatch(
                    "the new manifest list has another row for \(row.path) than it must")
            }
        }
        if let missing = expected.keys.min() {
            throw .mismatch("the new manifest list lacks \(missing)")
        }
    }
}
