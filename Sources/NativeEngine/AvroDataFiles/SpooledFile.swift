// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ParquetFormat
import SortedRuns

/// A file on the local disk that stands for a stored one; it has no name, and goes with its last
/// reader.
struct SpooledFile: Sendable {
    private let file: TemporaryFile
    let size: Int64

    fileprivate init(_ file: TemporaryFile, size: Int64) {
        self.file = file
        self.size = size
    }

    /// The bytes of a range, as far as they are there.
    func read(_ range: Range<Int64>) throws(MaintenanceError) -> [UInt8] {
        var failure: SortedRunsError?
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            do throws(SortedRunsError) {
                count = try file.read(
                    at: range.lowerBound, into: UnsafeMutableRawBufferPointer(buffer))
            } catch {
                failure = error
                count = 0
            }
        }
        if let failure { throw MaintenanceError(failure) }
        return bytes
    }
}

/// Writes a file to the local disk.
struct SpoolSink: ParquetByteSink {
    private let file: TemporaryFile
    private var size: Int64 = 0

    /// - Parameter path: The folder for temporary files.
    init(below path: String) throws(MaintenanceError) {
        do throws(SortedRunsError) { file = try TemporaryFolder(in: path).makeFile() } catch {
            throw MaintenanceError(error)
        }
    }

    mutating func write(_ bytes: [UInt8]) async throws(MaintenanceError) {
        try MaintenanceError.checkCancellation()
        do throws(SortedRunsError) { try file.write(bytes) } catch {
            throw MaintenanceError(error)
        }
        size += Int64(bytes.count)
    }

    /// What was written.
    var spooled: SpooledFile { SpooledFile(file, size: size) }
}
