// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergTable
import Maintenance
import ObjectStorage

/// Reads the keys of a delete file in Avro.
///
/// Iceberg spec, Appendix A: Avro.
struct AvroKeys<Storage: ObjectStorage>: Sendable {
    let storage: Storage
    let columns: EqualityColumns

    private typealias Reader = AvroFileReader<AvroStorageSource<Storage>>

    /// Visits the values of all rows, some rows at a time, until the body says that this is enough.
    ///
    /// - Parameter body: Given the values of each column, and the ordinal of the first row.
    func forEachBatch(
        of file: LiveFile, _ body: ([[AvroKeyValue]], Int64) throws(GroupFailure) -> Bool
    ) async throws(GroupFailure) {
        var first: Int64 = 0
        let (reader, plan) = try await open(file)
        while let rows = try await next(reader, plan, file) {
            let count = rows.first?.count ?? 0
            guard count > 0 else { continue }
            guard try body(rows, first) else { return }
            first += Int64(count)
        }
        guard first == file.recordCount else {
            throw .unsupported(
                "\(file.path) has \(first) rows, and its manifest says \(file.recordCount)")
        }
    }

    private func open(
        _ file: LiveFile
    ) async throws(GroupFailure) -> (Reader, AvroKeyPlan) {
        do throws(AvroReadError<MaintenanceError>) {
            let source = AvroStorageSource(
                DataFileSource(Location(file.path), size: file.sizeInBytes, in: storage))
            let reader = try await AvroFileReader(source)
            do throws(AvroError) { return (reader, try AvroKeyPlan(reader, columns)) } catch {
                throw .format(error)
            }
        } catch {
            throw GroupFailure(error, in: file.path)
        }
    }

    /// The values of the next block; nil after the last.
    private func next(
        _ reader: Reader, _ plan: AvroKeyPlan, _ file: LiveFile
    ) async throws(GroupFailure) -> [[AvroKeyValue]]? {
        do throws(AvroReadError<MaintenanceError>) {
            guard try await reader.nextBlock() else { return nil }
            var values = [[AvroKeyValue]](repeating: [], count: plan.slots.count)
            do throws(AvroError) {
                try reader.forEachRow(plan.program) { (row) throws(AvroError) in
                    for index in plan.slots.indices {
                        values[index].append(plan.slots[index].value(in: row))
                    }
                }
            } catch { throw .format(error) }
            return values
        } catch {
            throw GroupFailure(error, in: file.path)
        }
    }
}

/// Brings a stored file piece by piece.
struct AvroStorageSource<Storage: ObjectStorage>: AvroByteSource {
    private let source: DataFileSource<Storage>
    private var offset: Int64 = 0
    private var isAtEnd = false

    /// How many bytes are asked for at once.
    private static var chunkSize: Int64 { 1 << 20 }

    init(_ source: DataFileSource<Storage>) { self.source = source }

    mutating func next() async throws(MaintenanceError) -> [UInt8]? {
        guard !isAtEnd else { return nil }
        // The length that a manifest says may be wrong (P-64): the file ends where it ends.
        let bytes = try await source.read(offset..<offset + Self.chunkSize)
        isAtEnd = bytes.count < Int(Self.chunkSize)
        offset += Int64(bytes.count)
        return bytes.isEmpty ? nil : bytes
    }
}

extension GroupFailure {
    init(_ error: AvroReadError<MaintenanceError>, in path: String) {
        switch error {
        case .source(let error): self = .stopped(error)
        case .format(let error): self = .unsupported("\(path) cannot be read: \(error)")
        }
    }
}
