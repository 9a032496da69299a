// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage
import WireFormat

/// What one job moved below one root: `<root>/.icepack-quarantine/<job id>`.
///
/// `job.json` says whose it is and how far it came; `moves/00000001.json` and so on are written
/// before the first source of their batch goes; `files/…` are the files themselves. All of it is
/// in the store beside the table, so that it outlives this product's own database.
struct QuarantineFolder<Storage: ObjectStorage>: Sendable {
    let storage: Storage
    /// Where the job's folder is.
    let location: Location
    private let root: TableRoots.Root

    /// The most bytes of a record that are read.
    private static var recordLimit: Int { 16 << 20 }

    init(root: Location, jobID: String, storage: Storage) {
        self.storage = storage
        self.root = TableRoots.Root(root.rawValue, PathMatching())
        location = root.appending(ListedFileRules.quarantineFolder).appending(jobID)
    }

    private var jobLocation: Location { location.appending("job.json") }
    private var movesLocation: Location { location.appending("moves") }
    var filesLocation: Location { location.appending("files") }

    /// Where a file of a batch is.
    func place(of file: QuarantinedFile) -> Location {
        // Appended as it is: a path below may begin with a slash, which is another object.
        Location(filesLocation.rawValue + "/" + file.relativePath)
    }

    /// Every job of which something is held below a root.
    static func jobIDs(
        below root: Location, in storage: Storage
    ) async throws(MaintenanceError) -> [String] {
        do throws(StorageError) {
            let folder = root.appending(ListedFileRules.quarantineFolder)
            return try await storage.children(of: folder).compactMap { child in
                switch child {
                case .prefix(let location): location.lastComponent
                case .object: nil
                }
            }.sorted()
        } catch {
            throw MaintenanceError(error)
        }
    }

    // MARK: The job

    func job() async throws(MaintenanceError) -> QuarantineJob? {
        guard let bytes = try await read(jobLocation) else { return nil }
        do throws(UnreadableRecord) { return try QuarantineJob(parsing: bytes) } catch {
            throw .unreadable(reason: "\(jobLocation): \(error)")
        }
    }

    /// Writes the job's record, and says when the store believes that was.
    @discardableResult
    func write(_ job: QuarantineJob) async throws(MaintenanceError) -> Int64? {
        do throws(StorageError) {
            try await storage.write(job.json.bytes(), to: jobLocation, condition: .none)
            return try await storage.stat(jobLocation)?.modifiedMilliseconds
        } catch {
            throw MaintenanceError(error)
        }
    }

    func removeJob() async throws(MaintenanceError) { try await remove(jobLocation) }

    // MARK: Batches

    /// The numbers of the job's batches, first to last.
    func batchNumbers() async throws(MaintenanceError) -> [Int] {
        let children: [StorageChild]
        do throws(StorageError) { children = try await storage.children(of: movesLocation) } catch {
            throw MaintenanceError(error)
        }
        return children.compactMap { child in
            let name = child.name
            return name.hasSuffix(".json") ? Int(name.dropLast(5)) : nil
        }.sorted()
    }

    func batch(_ number: Int) async throws(MaintenanceError) -> QuarantineBatch? {
        let place = batchLocation(number)
        guard let bytes = try await read(place) else { return nil }
        do throws(UnreadableRecord) {
            let batch = try QuarantineBatch(parsing: bytes)
            try check(batch)
            return batch
        } catch {
            throw .unreadable(reason: "\(place): \(error)")
        }
    }

    /// Who may write below the table may write records too; nothing is brought anywhere else.
    private func check(_ batch: QuarantineBatch) throws(UnreadableRecord) {
        let matching = PathMatching()
        for file in batch.files {
            let source = file.source.location.rawValue
            guard root.contains(matching.key(of: source)) else {
                throw UnreadableRecord("it names \(source), which is not below \(root.location)")
            }
            let segments = file.relativePath.utf8.split(separator: UInt8(ascii: "/"))
            guard !segments.contains(where: { $0.elementsEqual("..".utf8) }) else {
                throw UnreadableRecord("it names a place outside its folder")
            }
        }
    }

    /// Writes a batch's record; one without files goes.
    func write(_ batch: QuarantineBatch, _ number: Int) async throws(MaintenanceError) {
        guard !batch.files.isEmpty else {
            try await remove(batchLocation(number))
            return
        }
        do throws(StorageError) {
            try await storage.write(
                batch.json.bytes(), to: batchLocation(number), condition: .none)
        } catch {
            throw MaintenanceError(error)
        }
    }

    private func batchLocation(_ number: Int) -> Location {
        let digits = String(number)
        let padding = String(repeating: "0", count: max(0, 8 - digits.count))
        return movesLocation.appending("\(padding)\(digits).json")
    }

    // MARK: Objects

    private func read(_ location: Location) async throws(MaintenanceError) -> [UInt8]? {
        do throws(StorageError) {
            return try await storage.read(location, limit: Self.recordLimit)
        } catch {
            if case .notFound = error { return nil }
            throw MaintenanceError(error)
        }
    }

    private func remove(_ location: Location) async throws(MaintenanceError) {
        for outcome in await storage.remove([location]) {
            switch outcome {
            case .removed, .alreadyGone: continue
            case .failed(let error): throw MaintenanceError(error)
            }
        }
    }
}
