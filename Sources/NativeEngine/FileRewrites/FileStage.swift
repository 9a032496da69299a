// SPDX-License-Identifier: Apache-2.0

import IcebergTable
import Maintenance
import ObjectStorage
import SortedRuns

/// Brings stored files to the local disk, many requests at once.
///
/// A rewrite reads a file once for each of its columns, and the proof does so again. Where each
/// read is a request, waiting for them takes longer than everything else.
struct FileStage<Storage: ObjectStorage>: Sendable {
    private let storage: Storage
    private let limits: RewriteLimits

    init(_ storage: Storage, limits: RewriteLimits) {
        self.storage = storage
        self.limits = limits
    }

    /// A file as something says that it is.
    struct Item: Hashable, Sendable {
        let location: Location
        let size: Int64
    }

    /// A part of a file, and where it goes.
    private struct Piece: Sendable {
        let item: Int
        let location: Location
        let range: Range<Int64>
        let target: Int64
    }

    /// Copies of files, in the order of these.
    ///
    /// One that is at hand already has none, nor has one for which there is no room, or that is
    /// shorter than it should be: those are read where they are.
    func bring(_ items: [Item]) async throws(MaintenanceError) -> [SpooledFile?] {
        let isRemote = items.map { $0.size > 0 && !storage.isLocal($0.location) }
        var copies = [SpooledFile?](repeating: nil, count: items.count)
        // A disk that cannot be written to is no reason not to go on without it.
        guard isRemote.contains(true),
            let folder = try? TemporaryFolder(in: limits.temporaryFolder),
            let file = try? folder.makeFile(), let free = try? folder.freeBytes()
        else { return copies }
        var room = min(free / 2 / Int64(limits.groups), limits.stagedBytes)
        var pieces: [Piece] = []
        var end: Int64 = 0
        for (index, item) in items.enumerated() where isRemote[index] && item.size <= room {
            copies[index] = SpooledFile(file: file, start: end, size: item.size)
            pieces += self.pieces(of: item, index, at: end)
            end += item.size
            room -= item.size
        }
        let small = pieces.filter { $0.range.count <= RewriteLimits.smallRequestBytes }
        let large = pieces.filter { $0.range.count > RewriteLimits.smallRequestBytes }
        for (pieces, width) in [(small, limits.smallRequests), (large, limits.requests)] {
            try await BoundedTasks.forEach(
                pieces, width: width, cancelled: MaintenanceError.cancelled,
                finished: { (missing: Int?) in if let missing { copies[missing] = nil } },
                { (piece) async throws(MaintenanceError) -> Int? in
                    try await bring(piece, to: file) ? nil : piece.item
                })
        }
        return copies
    }

    private func pieces(of item: Item, _ index: Int, at target: Int64) -> [Piece] {
        stride(from: 0, to: item.size, by: Int(limits.requestBytes)).map { start in
            Piece(
                item: index, location: item.location,
                range: start..<min(start + limits.requestBytes, item.size), target: target + start)
        }
    }

    /// False if the piece is not what it should be, or cannot be kept.
    private func bring(
        _ piece: Piece, to file: TemporaryFile
    ) async throws(MaintenanceError) -> Bool {
        let bytes: [UInt8]
        do throws(StorageError) {
            bytes = try await storage.read(piece.location, range: piece.range)
        } catch {
            // Whoever reads it where it should be says so.
            if case .notFound = error { return false }
            throw MaintenanceError(reading: error)
        }
        guard bytes.count == piece.range.count else { return false }
        do throws(SortedRunsError) { try file.write(bytes, at: piece.target) } catch {
            return false
        }
        return true
    }
}
