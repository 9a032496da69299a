// SPDX-License-Identifier: Apache-2.0

import AvroFormat
import IcebergSpec
import IcebergTable
import Maintenance
import ObjectStorage
import ParquetFormat
import RowSets
import WireFormat

/// Makes a Parquet file of an Avro data file, row by row, for all that comes after.
///
/// It has the same rows in the same order, and the columns of the Avro file with their ids, those
/// that the table has dropped too. It goes to the local disk, and is read back and compared with
/// what was decoded.
///
/// One at a time: a block and a row group are in memory.
struct AvroDataFile<Storage: ObjectStorage>: Sendable {
    let storage: Storage
    let schema: Schema
    let mapping: NameMapping?
    let limits: RewriteLimits
    /// Whether what was written is compared.
    let isVerified: Bool
    /// How the file is written.
    let settings: ParquetWriteSettings

    private typealias Reader = AvroFileReader<AvroStorageSource<Storage>>
    private typealias Writer = ParquetWriter<SpoolSink>

    /// Rows are handed on once they take so many bytes, or what memory is allowed.
    private static var batchBytes: Int { 4 << 20 }

    /// The file in Parquet.
    func parquet(
        _ live: LiveFile, in spool: inout Spool
    ) async throws(GroupFailure) -> ParquetFile<DataFileSource<Storage>> {
        let source = DataFileSource(Location(live.path), size: live.sizeInBytes, in: storage)
        let made: Made
        do throws(AvroReadError<MaintenanceError>) {
            let reader = try await AvroFileReader(
                AvroStorageSource(source), limits: blockLimits)
            made = try await write(reader, into: &spool)
        } catch {
            throw GroupFailure(error, in: live.path)
        }
        do throws(ParquetReadError<MaintenanceError>) {
            let file = try await ParquetFile(opening: source.spooled(made.file))
            try await check(file, made)
            return file
        } catch {
            switch error {
            case .source(let error): throw .stopped(error)
            case .format(let error):
                throw .verificationFailed("\(live.path) in Parquet cannot be read: \(error)")
            }
        }
    }

    private struct Made {
        let file: SpooledFile
        let schema: ParquetSchema
        let digests: [DecodedColumn]
    }

    /// What was decoded of a column.
    private struct DecodedColumn {
        let index: Int
        var digester: RowDigester<Storage>

        /// The columns that are compared: those that have ids, by which alone they are found.
        static func all(of schema: ParquetSchema) -> [DecodedColumn] {
            var ids: Set<Int32> = []
            return schema.columns.enumerated().compactMap { index, column in
                guard let id = column.fieldID, ids.insert(id).inserted else { return nil }
                return DecodedColumn(index: index, digester: RowDigester(column))
            }
        }
    }

    /// What a block, or rows that are held, may take in memory.
    private var memoryBytes: Int { Int(clamping: limits.workBytes / 2) }

    private var blockLimits: AvroLimits {
        var limits = AvroLimits()
        limits.headerBytes = min(limits.headerBytes, memoryBytes)
        limits.storedBlockBytes = min(limits.storedBlockBytes, memoryBytes)
        limits.decodedBlockBytes = min(limits.decodedBlockBytes, memoryBytes)
        return limits
    }

    // MARK: Writing

    private func write(
        _ reader: Reader, into spool: inout Spool
    ) async throws(AvroReadError<MaintenanceError>) -> Made {
        var (columns, writer, schema) = try prepared(reader, writingTo: spool.sink)
        var digests = isVerified ? DecodedColumn.all(of: schema) : []
        func flush() async throws(AvroReadError<MaintenanceError>) {
            let batches = columns.take()
            for index in digests.indices {
                digests[index].digester.add(batches[digests[index].index], of: schema)
            }
            do throws(Writer.Failure) { try await writer.write(batches) } catch {
                throw Self.failure(error)
            }
        }
        let mostBytes = min(Self.batchBytes, memoryBytes / 4)
        while try await reader.nextBlock() {
            var place = AvroRecordPlace()
            var hasMore = true
            while hasMore {
                do throws(AvroError) {
                    hasMore = try reader.decodeRecords(from: &place) {
                        (cursor) throws(AvroError) in
                        try columns.read(&cursor)
                        return columns.byteCount < mostBytes
                    }
                } catch { throw .format(error) }
                if columns.byteCount >= mostBytes { try await flush() }
            }
        }
        if columns.byteCount > 0 { try await flush() }
        do throws(Writer.Failure) {
            let (_, sink) = try await writer.finish()
            return Made(file: spool.add(sink), schema: schema, digests: digests)
        } catch { throw Self.failure(error) }
    }

    /// The columns that rows are taken apart into, the writer of them, and the schema with all ids.
    private func prepared(
        _ reader: Reader, writingTo sink: SpoolSink
    ) throws(AvroReadError<MaintenanceError>) -> (AvroColumns, Writer, ParquetSchema) {
        do throws(AvroError) {
            // Refuses what is no schema, and says why.
            _ = try reader.schema()
        } catch { throw .format(error) }
        do throws(Unsupported) {
            let text: JSONValue
            do throws(JSONSyntaxError) {
                text = try JSONValue(parsing: reader.header.schemaText)
            } catch { throw Unsupported(reason: "\(error)") }
            let found = try AvroDataSchema(text, of: schema)
            do throws(ParquetError) {
                let columns = try ParquetSchema(found.fields)
                let ids = try Self.unsupported { () throws(Unsupported) in
                    try FieldNaming.ids(for: columns, mapping)
                }
                return (
                    AvroColumns(found.root, columns, limit: memoryBytes),
                    try ParquetWriter(columns, settings: settings, to: sink),
                    try columns.addingFieldIDs(ids)
                )
            } catch { throw Unsupported(reason: error.description) }
        } catch {
            throw .format(.schemaMismatch(reason: error.reason))
        }
    }

    private static func unsupported<Value>(
        _ body: () throws(Unsupported) -> Value
    ) throws(ParquetError) -> Value {
        do throws(Unsupported) { return try body() } catch {
            throw .incompatible(reason: error.reason)
        }
    }

    private static func failure(_ error: Writer.Failure) -> AvroReadError<MaintenanceError> {
        switch error {
        case .sink(let error): .source(error)
        case .format(let error): .format(.schemaMismatch(reason: error.description))
        }
    }

    // MARK: Comparing

    private func check(
        _ file: ParquetFile<DataFileSource<Storage>>, _ made: Made
    ) async throws(ParquetReadError<MaintenanceError>) {
        for decoded in made.digests.map(\.digester) {
            var written = RowDigester<Storage>(decoded.leaf)
            let expectation = ColumnExpectation(
                decoded.leaf, of: made.schema, in: made.schema, fill: nil, fillsNulls: false)
            try await written.add(file, expectation, deleted: [])
            guard written.digest == decoded.digest else {
                let name = decoded.leaf.path.joined(separator: ".")
                throw .format(
                    .incompatible(reason: "\(name) has other values than the Avro file"))
            }
        }
    }
}
