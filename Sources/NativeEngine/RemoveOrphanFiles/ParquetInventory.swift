// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage
import ParquetFormat

/// Reads an inventory that is a Parquet file, such as one of Amazon S3 Inventory.
///
/// The columns have the names of a CSV inventory's; instead of a path there may be `bucket` and
/// `key`. Times are timestamps of any unit, milliseconds since 1970, or ISO 8601. Whatever the
/// file's size, no more than a page of each column is held.
struct ParquetInventory<Storage: ObjectStorage> {
    private let file: ParquetFile<StoredFile<Storage>>

    /// How an inventory's name ends that is read so.
    static var suffix: String { ".parquet" }

    /// Rows between two looks at whether the task was cancelled.
    private static var stride: Int64 { 500 }

    private typealias Columns = [InventoryReader.Column: InventoryColumn<Storage>]

    /// Reads the footer.
    init(_ location: Location, in storage: Storage) async throws(MaintenanceError) {
        let size: Int64
        do throws(StorageError) {
            guard let info = try await storage.stat(location) else {
                throw StorageError.notFound(location)
            }
            size = info.size
        } catch {
            throw MaintenanceError(OrphanRefusal.inventory(error.description))
        }
        do throws(ParquetReadError<StorageError>) {
            file = try await ParquetFile(
                opening: StoredFile(storage: storage, location: location, size: size))
        } catch {
            throw Self.refusal(error)
        }
    }

    /// Calls `body` for every object, in the order of the file.
    func readObjects(
        _ body: (ObjectInfo) throws(MaintenanceError) -> Void
    ) async throws(MaintenanceError) {
        for group in file.rowGroups.indices {
            var columns = try columns(of: group)
            for row in 0..<file.rowGroups[group].rowCount {
                if row.isMultiple(of: Self.stride) { try MaintenanceError.checkCancellation() }
                try body(try await object(&columns))
            }
        }
    }

    private func columns(of group: Int) throws(MaintenanceError) -> Columns {
        var columns: Columns = [:]
        for (index, column) in file.schema.columns.enumerated()
        where column.path.count == 1 && column.maximumRepetitionLevel == 0 {
            let meaning = InventoryReader.Column(named: column.path[0])
            guard meaning != .other else { continue }
            do throws(ParquetError) {
                columns[meaning] = try InventoryColumn(file, group, index)
            } catch {
                throw Self.refusal(.format(error))
            }
        }
        guard columns[.path] != nil || columns[.bucket] != nil && columns[.key] != nil else {
            throw MaintenanceError(
                OrphanRefusal.inventory("it has neither a column path nor bucket and key"))
        }
        return columns
    }

    private func object(_ columns: inout Columns) async throws(MaintenanceError) -> ObjectInfo {
        do throws(InventoryColumn<Storage>.Failure) {
            let path = try await columns[.path]?.text()
            let bucket = try await columns[.bucket]?.text()
            let key = try await columns[.key]?.text()
            let size = try await columns[.size]?.integer()
            let modified = try await columns[.modified]?.milliseconds()
            let parts = bucket.flatMap { bucket in key.map { "s3://\(bucket)/\($0)" } }
            guard let place = path ?? parts else { throw .value("a row has no path") }
            return ObjectInfo(
                location: Location(place), size: size ?? InventoryReader.unknownSize,
                modifiedMilliseconds: modified)
        } catch {
            switch error {
            case .reading(let error): throw Self.refusal(error)
            case .value(let reason): throw MaintenanceError(OrphanRefusal.inventory(reason))
            }
        }
    }

    private static func refusal(_ error: ParquetReadError<StorageError>) -> MaintenanceError {
        let reason =
            switch error {
            case .source(let error): error.description
            case .format(let error): "\(error)"
            }
        return MaintenanceError(OrphanRefusal.inventory(reason))
    }
}

/// A file in a store, as Parquet's reader wants it.
struct StoredFile<Storage: ObjectStorage>: ParquetByteSource {
    let storage: Storage
    let location: Location
    let size: Int64

    func read(_ range: Range<Int64>) async throws(StorageError) -> [UInt8] {
        try await storage.read(location, range: range)
    }
}

/// One column of an inventory, value by value.
private struct InventoryColumn<Storage: ObjectStorage> {
    enum Failure: Error {
        case reading(ParquetReadError<StorageError>)
        case value(String)
    }

    private var reader: ColumnReader<StoredFile<Storage>>
    private var batch: ColumnBatch
    private var row = 0
    private var value = 0

    init(
        _ file: ParquetFile<StoredFile<Storage>>, _ group: Int, _ column: Int
    ) throws(ParquetError) {
        reader = try ColumnReader(file, rowGroup: group, column: column)
        batch = ColumnBatch(for: reader.column)
    }

    /// The position of the next row's value in the batch, or nil for a null.
    private mutating func next() async throws(Failure) -> Int? {
        while row == batch.count {
            do throws(ParquetReadError<StorageError>) {
                guard let next = try await reader.next() else {
                    throw .format(.unsupported(feature: "columns of several lengths"))
                }
                batch = next
            } catch {
                throw .reading(error)
            }
            (row, value) = (0, 0)
        }
        defer { row += 1 }
        let maximum = reader.column.maximumDefinitionLevel
        guard maximum == 0 || Int(batch.definitionLevels[row]) == maximum else { return nil }
        defer { value += 1 }
        return value
    }

    mutating func text() async throws(Failure) -> String? {
        guard let index = try await next() else { return nil }
        guard case .byteArray(let values) = batch.values,
            let text = String(validating: values[index], as: UTF8.self)
        else { throw unexpected("a text") }
        return text
    }

    mutating func integer() async throws(Failure) -> Int64? {
        guard let index = try await next() else { return nil }
        switch batch.values {
        case .int32(let values): return Int64(values[index])
        case .int64(let values): return values[index]
        default: throw unexpected("an integer")
        }
    }

    mutating func milliseconds() async throws(Failure) -> Int64? {
        guard let index = try await next() else { return nil }
        switch batch.values {
        case .int64(let values):
            guard case .timestamp(let unit, _) = reader.column.logicalType else {
                return values[index]
            }
            return Self.milliseconds(values[index], unit)
        case .int96(let values):
            // Nanoseconds of the day in eight bytes, then the Julian day in four.
            let bytes = values[index]
            let day = bytes.suffix(4).reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) }
            let time = bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return (day - Self.julianDayOf1970) * Self.dayMilliseconds
                + Self.milliseconds(Int64(clamping: time), .nanoseconds)
        case .byteArray(let values):
            guard let text = String(validating: values[index], as: UTF8.self),
                let time = InventoryReader.milliseconds(text)
            else { throw unexpected("a time") }
            return time
        default: throw unexpected("a time")
        }
    }

    private static var julianDayOf1970: Int64 { 2_440_588 }
    private static var dayMilliseconds: Int64 { 86_400_000 }

    /// Rounded up, so that a file never counts as older than it is.
    private static func milliseconds(_ value: Int64, _ unit: LogicalType.TimeUnit) -> Int64 {
        let divisor: Int64 =
            switch unit {
            case .milliseconds: 1
            case .microseconds: 1000
            case .nanoseconds: 1_000_000
            }
        let (whole, rest) = value.quotientAndRemainder(dividingBy: divisor)
        return rest > 0 ? whole + 1 : whole
    }

    private func unexpected(_ wanted: String) -> Failure {
        .value("column \(reader.column.path[0]) holds something else than \(wanted)")
    }
}
