// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage
import RowSets

/// Finds what equality deletes delete, for groups that are rewritten at the same time.
///
/// An actor, because both searches keep tables of keys for the next group and read files in
/// between: groups take turns, so that no table is made twice and memory holds no more than one
/// needs.
actor EqualityDeleteSearch<Storage: ObjectStorage> {
    private var finder: EqualityDeleteFinder<Storage>?
    /// Nil where nothing is compared.
    private var audit: EqualityDeleteAudit<Storage>?
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ finder: EqualityDeleteFinder<Storage>, _ audit: EqualityDeleteAudit<Storage>?) {
        self.finder = finder
        self.audit = audit
    }

    /// The positions of deleted rows by path.
    func positions(
        in files: [OpenedDataFile<Storage>]
    ) async throws(GroupFailure) -> [String: RowPositions] {
        await begin()
        defer { end() }
        guard var finder else { return [:] }
        // Only one owner at a time, so that nothing is copied.
        self.finder = nil
        defer { self.finder = finder }
        return try await finder.positions(in: files)
    }

    /// The same, worked out a second time by other means; nil where nothing is compared.
    func auditedPositions(
        in files: [OpenedDataFile<Storage>]
    ) async throws(GroupFailure) -> [String: RowPositions]? {
        await begin()
        defer { end() }
        guard var audit else { return nil }
        self.audit = nil
        defer { self.audit = audit }
        return try await audit.positions(in: files)
    }

    /// Waits for the others' turns; each ends, cancelled or not.
    private func begin() async {
        guard isBusy else {
            isBusy = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func end() {
        guard !waiting.isEmpty else {
            isBusy = false
            return
        }
        waiting.removeFirst().resume()
    }
}
