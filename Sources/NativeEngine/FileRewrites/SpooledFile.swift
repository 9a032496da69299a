// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ParquetFormat
import SortedRuns

/// Files that stand for stored ones, one after the other in one file on the local disk, which has
/// no name and goes with its last reader.
///
/// One for a group: as many open files as a group has would be too many.
struct Spool {
    private let file: TemporaryFile
    private var end: Int64 = 0

    /// - Parameter path: The folder for temporary files.
    init(below path: String) throws(MaintenanceError) {
        do throws(SortedRunsError) { file = try TemporaryFolder(in: path).makeFile() } catch {
            throw MaintenanceError(error)
        }
    }

    /// Where the next file is written.
    var sink: SpoolSink { SpoolSink(file, start: end) }

    /// Takes note of a file that is complete.
    mutating func add(_ sink: SpoolSink) -> SpooledFile {
        end += sink.size
        return SpooledFile(file: file, start: sink.start, size: sink.size)
    }
}

/// A file on the local disk that stands for a stored one.
struct SpooledFile: Sendable {
    private let file: TemporaryFile
    private let start: Int64
    let size: Int64

    init(file: TemporaryFile, start: Int64, size: Int64) {
        self.file = file
        self.start = start
        self.size = size
    }

    /// The bytes of a range within it.
    func read(_ range: Range<Int64>) throws(MaintenanceError) -> [UInt8] {
        var failure: SortedRunsError?
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            do throws(SortedRunsError) {
                count = try file.read(
                    at: start + range.lowerBound, into: UnsafeMutableRawBufferPointer(buffer))
            } catch {
                failure = error
                count = 0
            }
        }
        if let failure { throw MaintenanceError(failure) }
        return bytes
    }
}

/// Writes a file to the local disk, behind those that are there.
struct SpoolSink: ParquetByteSink {
    private let file: TemporaryFile
    fileprivate let start: Int64
    fileprivate private(set) var size: Int64 = 0

    fileprivate init(_ file: TemporaryFile, start: Int64) {
        self.file = file
        self.start = start
    }

    mutating func write(_ bytes: [UInt8]) async throws(MaintenanceError) {
        try MaintenanceError.checkCancellation()
        do throws(SortedRunsError) { try file.write(bytes) } catch {
            throw MaintenanceError(error)
        }
        size += Int64(bytes.count)
    }
}
