// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergTable

/// Cuts a run of entries into manifests of about equal size, none much larger than the target.
///
/// How well entries compress shows only while they are written, so the number of manifests is
/// estimated anew with every block.
struct ManifestRoller {
    private let kind: ManifestKind
    private let targetBytes: Double
    private let plainBytes: Int
    private let blockBytes: Int
    private var writer: ManifestWriter?
    private var plainSeen = 0
    private var finishedPlain = 0
    private var finishedStored = 0

    /// A rest of less than this share of a manifest goes to the one before it.
    private static let smallestRest = 0.25

    /// Begins; `plainBytes` is what all entries take before they are compressed.
    init(_ kind: ManifestKind, plainBytes: Int, targetBytes: Int64) {
        self.kind = kind
        self.plainBytes = plainBytes
        self.targetBytes = Double(targetBytes)
        // Small targets need small blocks, or a block would be several manifests.
        blockBytes = min(AvroFileWriter.defaultBlockBytes, max(1024, Int(targetBytes / 8)))
    }

    /// Appends an entry; returns a manifest when one is complete.
    mutating func append(_ entry: EncodedEntry) throws(AvroError) -> FinishedManifest? {
        var current: ManifestWriter
        if let writer {
            current = writer
        } else {
            current = try ManifestWriter(kind, blockBytes: blockBytes)
            plainSeen = 0
        }
        // Nobody else may hold it while it grows.
        writer = nil
        try current.append(entry)
        guard current.plainByteCount > plainSeen else {
            writer = current
            return nil
        }
        plainSeen = current.plainByteCount
        guard isComplete(current) else {
            writer = current
            return nil
        }
        finishedPlain += current.plainByteCount
        finishedStored += current.storedByteCount
        return try current.finish()
    }

    /// The last manifest, if entries are left for one.
    mutating func finish() throws(AvroError) -> FinishedManifest? {
        defer { writer = nil }
        return try writer?.finish()
    }

    private func isComplete(_ current: ManifestWriter) -> Bool {
        let plain = Double(finishedPlain + current.plainByteCount)
        let stored = Double(finishedStored + current.storedByteCount)
        guard plain > 0 else { return false }
        let rest = max(0, Double(plainBytes) - plain) * stored / plain
        let count = max(1, ((stored + rest) / targetBytes).rounded(.up))
        let share = (stored + rest) / count
        return Double(current.storedByteCount) >= share && rest >= Self.smallestRest * share
    }
}
