// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage
import ParquetFormat

/// A stored file as Parquet's reader wants it; a cancelled task reads no further.
struct DataFileSource<Storage: ObjectStorage>: ParquetByteSource {
    let storage: Storage
    let location: Location
    let size: Int64
    /// The whole file, where it is small: one request is enough then.
    private var bytes: [UInt8]?
    /// What is read in its place.
    private var spool: SpooledFile?

    /// A file that stands for this one and is read in its place; messages name this one.
    func spooled(_ file: SpooledFile) -> DataFileSource {
        var source = DataFileSource(location, size: file.size, in: storage)
        source.spool = file
        return source
    }

    init(_ location: Location, size: Int64, in storage: Storage) {
        self.location = location
        self.size = size
        self.storage = storage
    }

    /// Files of at most so many bytes are brought as a whole.
    static var smallFile: Int64 { 1 << 20 }

    /// The same source, with the whole file in memory if that is wanted.
    fileprivate func loaded(
        if isWanted: Bool
    ) async throws(ParquetReadError<MaintenanceError>) -> DataFileSource {
        guard isWanted, size > 0 else { return self }
        var copy = self
        do throws(MaintenanceError) { copy.bytes = try await read(0..<size) } catch {
            throw .source(error)
        }
        return copy
    }

    func check() throws(MaintenanceError) { try MaintenanceError.checkCancellation() }

    func read(_ range: Range<Int64>) async throws(MaintenanceError) -> [UInt8] {
        if let bytes, range.upperBound <= bytes.count {
            return Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)])
        }
        try MaintenanceError.checkCancellation()
        if let spool { return try spool.read(range) }
        do throws(StorageError) { return try await storage.read(location, range: range) } catch {
            throw MaintenanceError(reading: error)
        }
    }
}

extension ParquetFile {
    /// Opens a stored file.
    ///
    /// Where the length that a manifest says is wrong, the store's counts (P-64).
    static func opening<Storage: ObjectStorage>(
        _ source: DataFileSource<Storage>, isLoaded: Bool = false
    ) async throws(ParquetReadError<MaintenanceError>) -> ParquetFile
    where Source == DataFileSource<Storage> {
        do throws(ParquetReadError<MaintenanceError>) {
            return try await ParquetFile(opening: try await source.loaded(if: isLoaded))
        } catch {
            guard case .format = error else { throw error }
            let size: Int64?
            do throws(StorageError) {
                size = try await source.storage.stat(source.location)?.size
            } catch let failure { throw .source(MaintenanceError(reading: failure)) }
            guard let size, size != source.size else { throw error }
            let right = DataFileSource(source.location, size: size, in: source.storage)
            return try await ParquetFile(opening: try await right.loaded(if: isLoaded))
        }
    }
}

/// A new file on its way to storage; a cancelled task writes no further.
struct DataFileSink: ParquetByteSink {
    private let writer: ObjectWriter

    init(_ writer: ObjectWriter) { self.writer = writer }

    func write(_ bytes: [UInt8]) async throws(MaintenanceError) {
        try MaintenanceError.checkCancellation()
        do throws(StorageError) { try await writer.write(bytes) } catch {
            throw MaintenanceError(streaming: error)
        }
    }
}

extension MaintenanceError {
    /// What it means that a data or delete file cannot be read: nothing is changed.
    init(reading error: StorageError) {
        switch error {
        case .unavailable, .outcomeUnknown: self = .unavailable(reason: error.description)
        case .denied, .unsupported:
            self = .refused(code: "storage_denied", reason: error.description)
        case .notFound, .alreadyExists, .tooLarge:
            self = .unreadable(reason: error.description)
        }
    }

    /// What a group's failure means where nothing is done by groups.
    init(_ failure: GroupFailure) {
        switch failure {
        case .unsupported(let reason): self = .refused(code: "unsupported_table", reason: reason)
        case .unsupportedFiles(let files):
            self = .refused(code: "unsupported_table", reason: files.reason)
        case .gainless:
            self = .refused(code: "unsupported_table", reason: "there is nothing to gain")
        case .stopped(let error): self = error
        }
    }
}

/// Why a group's files cannot be rewritten: it alone is left, or the whole run stops.
enum GroupFailure: Error {
    /// The files are of a kind that is not rewritten here.
    case unsupported(String)
    /// Some of the files are; the others may be rewritten without them.
    case unsupportedFiles(UnsupportedFiles)
    /// The files would be what they are, and planned again for ever (P-50).
    case gainless
    /// Anything else.
    case stopped(MaintenanceError)

    init(_ error: Unsupported) { self = .unsupported(error.reason) }

    init(_ error: ParquetReadError<MaintenanceError>, in path: String) {
        switch error {
        case .source(let error): self = .stopped(error)
        case .format(let error): self = .unsupported("\(path) cannot be read: \(error)")
        }
    }

    init(_ error: ParquetWriteError<MaintenanceError, MaintenanceError>) {
        switch error {
        case .source(let error), .sink(let error): self = .stopped(error)
        case .format(let error): self = .unsupported("its files cannot be put together: \(error)")
        }
    }
}

extension GroupFailure {
    /// Why a file that was read cannot be used; nil where the run cannot go on without it either.
    func reason(ofFile path: String) -> String? {
        switch self {
        case .unsupported(let reason): reason
        case .unsupportedFiles(let files): files.reason
        case .stopped(.unreadable(let reason)): "\(path) cannot be read: \(reason)"
        case .gainless, .stopped: nil
        }
    }

    /// What was written is not what it should be.
    static func verificationFailed(_ reason: String) -> GroupFailure {
        .stopped(
            .refused(
                code: "verification_failed", reason: "nothing was committed, because \(reason)"))
    }
}
