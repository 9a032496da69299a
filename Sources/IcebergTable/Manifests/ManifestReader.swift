// SPDX-License-Identifier: Apache-2.0

import AvroFormat
public import IcebergSpec
public import ObjectStorage

/// Reads manifests of format versions 1 to 3.
///
/// A reader keeps what it worked out about schemas, so one is made for many manifests. Memory does
/// not grow with the manifest.
public struct ManifestReader<Storage: RangeReading>: Sendable {
    private let storage: Storage
    private let entryFields = ManifestEntryFields()
    private let entryPrograms: AvroProgramCache
    private let liveFileFields = LiveFileFields()
    private let liveFilePrograms: AvroProgramCache

    /// Reads from a storage.
    public init(storage: Storage) {
        self.storage = storage
        entryPrograms = AvroProgramCache(entryFields.projection)
        liveFilePrograms = AvroProgramCache(liveFileFields.projection)
    }

    /// Visits every entry of a manifest in order, deleted ones too, with what it inherits.
    ///
    /// - Throws: ``ManifestError``, at which the caller must not take what it saw for the whole.
    public func forEachEntry(
        in manifest: ManifestFile, _ body: (ManifestEntry) -> Void
    ) async throws(ManifestError) {
        let reader = try await ManifestFileReader(of: manifest, in: storage)
        var visit = InheritingVisit(of: manifest)
        try await reader.forEachRow(entryPrograms) { (row) throws(AvroError) in
            let entry = try entryFields.entry(row, in: manifest.content)
            if let entry = visit.next(entry) { body(entry) }
        }
        try visit.finish(reader)
    }

    /// Every entry of a manifest in order, deleted ones too, with what it inherits.
    public func entries(in manifest: ManifestFile) async throws(ManifestError) -> [ManifestEntry] {
        var entries: [ManifestEntry] = []
        try await forEachEntry(in: manifest) { entries.append($0) }
        return entries
    }

    /// Visits the path of every file that a manifest keeps alive, in order.
    ///
    /// The bytes are the path's UTF-8 exactly as the manifest has it, valid only within the
    /// call. Nothing is allocated for an entry, which makes this the way to walk whole tables.
    ///
    /// - Throws: ``ManifestError``, at which the caller must not take what it saw for the whole.
    public func forEachLiveFile(
        in manifest: ManifestFile, _ body: (DataFileContent, UnsafeRawBufferPointer) -> Void
    ) async throws(ManifestError) {
        let reader = try await ManifestFileReader(of: manifest, in: storage)
        var count: Int64 = 0
        try await reader.forEachRow(liveFilePrograms) { (row) throws(AvroError) in
            count += 1
            try liveFileFields.visit(row, in: manifest.content, body)
        }
        try reader.checkWholeness(of: manifest, entryCount: count)
    }

    /// What a manifest list would say of a manifest, for v1 snapshots that have no list but name
    /// their manifests.
    ///
    /// It comes from the manifest's own header and entries, all of which are read. The snapshot
    /// that added it stays unknown: v1 entries name theirs.
    public func describe(_ location: Location) async throws(ManifestError) -> ManifestFile {
        let reader = try await ManifestFileReader(location, in: storage, expectedLength: nil)
        let found = try reader.manifestHeader()
        var manifest = ManifestFile(
            path: location.rawValue, length: 0, partitionSpecID: found.partitionSpecID)
        manifest.content = found.content ?? .data
        var counts = ManifestEntryCounts()
        try await reader.forEachRow(entryPrograms) { (row) throws(AvroError) in
            try counts.add(entryFields.entry(row, in: manifest.content))
        }
        counts.write(to: &manifest)
        manifest.length = reader.offset
        return manifest
    }
}
