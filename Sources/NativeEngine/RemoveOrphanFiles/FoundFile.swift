// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage
import SortedRuns

/// A listed object on its way through a sort: what kind it is, and what the store said of it.
struct FoundFile: Hashable, Sendable {
    let info: ObjectInfo
    /// Whether it may be an orphan once nothing needs it.
    let isCandidate: Bool

    /// One byte of flags, the time, the size, the tag's length and text, and then the location.
    func encode() -> [UInt8] {
        var bytes: [UInt8] = []
        let tag = Array((info.entityTag ?? "").utf8.prefix(Int(UInt8.max)))
        bytes.append((isCandidate ? 1 : 0) | (info.modifiedMilliseconds == nil ? 0 : 2))
        withUnsafeBytes(of: info.modifiedMilliseconds ?? 0) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: info.size) { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(tag.count))
        bytes += tag
        bytes += Array(info.location.rawValue.utf8)
        return bytes
    }

    init(info: ObjectInfo, isCandidate: Bool) {
        self.info = info
        self.isCandidate = isCandidate
    }

    /// Reads what ``encode()`` wrote.
    init(decoding bytes: UnsafeRawBufferPointer) {
        let flags = bytes[0]
        let time = bytes.loadUnaligned(fromByteOffset: 1, as: Int64.self)
        let tagEnd = 18 + Int(bytes[17])
        let tag = String(decoding: bytes[18..<tagEnd], as: UTF8.self)
        info = ObjectInfo(
            location: Location(String(decoding: bytes[tagEnd...], as: UTF8.self)),
            size: bytes.loadUnaligned(fromByteOffset: 9, as: Int64.self),
            modifiedMilliseconds: flags & 2 == 0 ? nil : time,
            entityTag: tag.isEmpty ? nil : tag)
        isCandidate = flags & 1 != 0
    }

    /// Whether an encoded file may be an orphan.
    static func isCandidate(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes[0] & 1 != 0 }
}

extension MaintenanceError {
    /// What it means that a sort ran out of disk, or worse: nothing was changed.
    init(_ error: SortedRunsError) { self = .unavailable(reason: error.description) }

    /// What it means that orphans are not looked for.
    init(_ refusal: OrphanRefusal) {
        self = .refused(code: refusal.code, reason: refusal.description)
    }

    /// What a failed call to the store means where nothing may be guessed.
    init(_ error: StorageError) {
        switch error {
        case .unavailable, .outcomeUnknown: self = .unavailable(reason: error.description)
        case .denied: self = .refused(code: "storage_denied", reason: error.description)
        case .notFound, .alreadyExists, .tooLarge, .unsupported:
            self = .unreadable(reason: error.description)
        }
    }

    /// Whatever a listing may end with.
    init(listing error: any Error) {
        if let error = error as? StorageError {
            self.init(error)
        } else if error is CancellationError {
            self = .cancelled
        } else {
            self = .unavailable(reason: "the listing broke off: \(error)")
        }
    }
}
