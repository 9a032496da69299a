// SPDX-License-Identifier: Apache-2.0

import Compression
package import IcebergSpec
package import ObjectStorage
import WireFormat

extension MetadataFiles {
    /// The metadata after a commit, or why there can be none.
    ///
    /// `current` must have been read after the pointer to it was, and not be the caller's word.
    package func change(
        _ current: LoadedTable, by updates: [TableUpdate], requirements: [TableRequirement]
    ) throws(CommitRefusal) -> TableMetadata {
        for requirement in requirements {
            if let failure = requirement.failure(on: current.metadata) {
                throw .conflict(reason: failure)
            }
        }
        do throws(TableUpdateError) {
            return try current.metadata.applying(
                updates, previousMetadataLocation: current.metadataLocation.rawValue,
                nowMilliseconds: now())
        } catch {
            // The caller planned on this very metadata, so planning again would end here again.
            throw .rejected(reason: error.description)
        }
    }

    /// The bytes of a metadata file.
    package func encode(
        _ metadata: TableMetadata, _ compression: MetadataCompression
    ) throws(CommitRefusal) -> [UInt8] {
        let text = metadata.json.bytes()
        guard text.count <= Self.maximumByteCount else {
            throw .rejected(
                reason: "the metadata would have \(text.count) bytes, more than the"
                    + " \(Self.maximumByteCount) that are read")
        }
        switch compression {
        case .none: return text
        case .gzip:
            do throws(CompressionError) { return try Codec.gzip.compress(text) } catch {
                throw .unavailable(reason: error.description)
            }
        }
    }

    /// How a table's metadata files are compressed.
    package func compression(
        of metadata: TableMetadata
    ) throws(CommitRefusal) -> MetadataCompression {
        guard let compression = MetadataCompression(of: metadata) else {
            throw .rejected(
                reason: "\(MetadataCompression.property) must be none or gzip, not"
                    + " \(metadata.properties[MetadataCompression.property] ?? "")")
        }
        return compression
    }

    /// Removes metadata files that a commit dropped from the log, if the table wants that.
    ///
    /// Best effort, and only after a commit that is certain: what stays behind is an orphan. The
    /// log is text that any writer of the table chose, so nothing but metadata files in the table's
    /// own metadata folder is touched (P-19), and nothing where `gc.enabled` is false (P-15).
    package func removeDropped(from before: LoadedTable, by after: LoadedTable) async {
        guard Self.removesDropped(after.metadata) else { return }
        let prefix = after.metadataLocation.rawValue.utf8.dropLast(
            after.metadataLocation.lastComponent.utf8.count)
        let kept = Set(after.metadata.metadataLog.map { Location($0.metadataFile) })
            .union([after.metadataLocation, before.metadataLocation])
        let dropped = before.metadata.metadataLog.map { Location($0.metadataFile) }.filter {
            let folder = $0.rawValue.utf8.dropLast($0.lastComponent.utf8.count)
            return !kept.contains($0) && MetadataFileName.isMetadata($0)
                && folder.elementsEqual(prefix)
        }
        _ = await storage.remove(dropped)
    }

    private static func removesDropped(_ metadata: TableMetadata) -> Bool {
        do throws(UnreadableProperty) {
            let properties = metadata.properties
            guard try properties.bool("gc.enabled") ?? true else { return false }
            return try properties.bool("write.metadata.delete-after-commit.enabled") ?? false
        } catch {
            // Whoever wrote something else did not clearly ask for files to go.
            return false
        }
    }
}

extension CommitRefusal {
    /// What a failure to read means for a commit: nothing was changed yet.
    package init(reading error: CatalogError) {
        switch error {
        case .unavailable: self = .unavailable(reason: error.description)
        case .noSuchTable, .unreadableTable, .denied: self = .rejected(reason: error.description)
        }
    }

    /// What a failure to write, or to look, means for a commit that nothing points to yet.
    package init(writing error: StorageError) {
        switch error {
        case .unavailable, .outcomeUnknown, .alreadyExists, .notFound:
            self = .unavailable(reason: error.description)
        case .tooLarge, .denied, .unsupported: self = .rejected(reason: error.description)
        }
    }
}
