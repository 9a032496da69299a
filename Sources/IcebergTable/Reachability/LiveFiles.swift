// SPDX-License-Identifier: Apache-2.0

package import IcebergSpec
package import ObjectStorage

/// Snapshots and manifests whose files were visited already; neither ever changes.
package struct WalkedTable: Sendable {
    private(set) var snapshots: Set<Int64> = []
    private var manifests: [RegisteredManifests] = []

    /// Nothing was visited yet.
    package init() {}

    mutating func add(_ ids: some Sequence<Int64>, _ manifests: RegisteredManifests) {
        snapshots.formUnion(ids)
        if manifests.count > 0 { self.manifests.append(manifests) }
    }

    func contains(_ path: UnsafeRawBufferPointer) -> Bool {
        manifests.contains { $0.contains(path) }
    }
}

extension ReachabilityWalk {
    /// Takes a batch of paths; called from many tasks at once.
    package typealias LiveFileSink =
        @Sendable (inout PathBatch<Void>) throws(ReachabilityError) -> Void

    /// Visits every file that a table needs: those of all its snapshots, referenced or not, its
    /// statistics, its metadata file with its log and version hint (P-07).
    ///
    /// Some are visited more than once. What `walked` has is left out, and what was read is added
    /// to it; the table's own files and statistics are visited each time. Whatever cannot be read
    /// ends the walk with an error (P-08).
    package func forEachLiveFile(
        of metadata: TableMetadata, at metadataLocation: Location, after walked: inout WalkedTable,
        _ sink: @escaping LiveFileSink
    ) async throws(ReachabilityError) {
        let known = walked
        let unread = metadata.snapshots.filter { !known.snapshots.contains($0.id) }
        try Self.visit(Self.metadataFiles(of: metadata, at: metadataLocation), sink)
        try Self.visit(statistics(of: metadata) { _ in true }, sink)
        try Self.visit(unread.compactMap(\.manifestList), sink)
        guard !unread.isEmpty else { return }

        let register = ManifestRegister(limit: limits.memoryBytes)
        try await read(unread, into: register, kept: true) { known.contains($0) }
        let manifests = register.manifests(kept: true)
        try Self.visit(manifests.lazy.map(\.path), sink)
        try await forEachManifest(manifests, "reading manifests") {
            (manifest) throws(ReachabilityError) in
            var batch = PathBatch<Void>()
            var failure: ReachabilityError?
            try await readContent(manifest) { _, path in
                guard failure == nil else { return }
                batch.append(path, ())
                guard batch.isFull else { return }
                do throws(ReachabilityError) { try sink(&batch) } catch { failure = error }
            }
            if let failure { throw failure }
            try sink(&batch)
        }
        walked.add(unread.map(\.id), manifests)
    }

    private static func visit(
        _ paths: some Sequence<String>, _ sink: LiveFileSink
    ) throws(ReachabilityError) {
        var batch = PathBatch<Void>()
        for path in paths {
            var path = path
            path.withUTF8 { batch.append(UnsafeRawBufferPointer($0), ()) }
            if batch.isFull { try sink(&batch) }
        }
        if !batch.isEmpty { try sink(&batch) }
    }
}
