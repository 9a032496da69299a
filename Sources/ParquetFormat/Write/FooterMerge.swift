// SPDX-License-Identifier: Apache-2.0

/// Decides whether files can become one without a look at their values, and what its footer says.
struct FooterMerge {
    /// The new footer, without row groups.
    let metadata: FileMetadata
    /// For each file, whether its bounds mean in the new file what they meant in it.
    let keepsBounds: [Bool]
    /// What the new file lacks of its sources.
    private(set) var losses: [String] = []

    /// - Parameters:
    ///   - target: The schema of the new file; nil for that of the files, which must agree on it.
    ///   - movingPages: Whether pages move as they are, which those of some writers must not.
    init(
        _ files: [(schema: ParquetSchema, metadata: FileMetadata)],
        target: ParquetSchema? = nil, movingPages: Bool = true, settings: ParquetWriteSettings
    ) throws(ParquetError) {
        guard let first = files.first else {
            throw .incompatible(reason: "there is no file to make one of")
        }
        var merged = FileMetadata()
        merged.version = files.map(\.metadata.version).max() ?? 1
        merged.schema = target?.elements ?? first.metadata.schema
        for (index, file) in files.enumerated() {
            guard target != nil || file.schema.isInterchangeable(with: first.schema) else {
                throw .incompatible(
                    reason: "file \(index) has another schema than the first: "
                        + file.schema.difference(from: first.schema))
            }
            if movingPages, let flaw = file.metadata.flaw {
                throw .incompatible(reason: "file \(index) \(flaw)")
            }
        }
        var rows: Int64 = 0
        for file in files {
            for group in file.metadata.rowGroups {
                let (sum, overflow) = rows.addingReportingOverflow(group.rowCount)
                guard !overflow else { throw .incompatible(reason: "the row counts overflow") }
                rows = sum
            }
        }
        // Bounds of a file with other orders would lie; of one without, they mean nothing.
        let standard = target.map { $0.columns.map { _ in BoundsOrder.standard } }
        let orders = standard ?? files.lazy.compactMap(\.metadata.columnOrders).first
        merged.columnOrders = orders
        keepsBounds = files.map { file in
            standard == nil
                ? file.metadata.columnOrders == orders
                : file.metadata.columnOrders?.allSatisfy { $0 == BoundsOrder.standard } ?? false
        }
        if keepsBounds.contains(false) {
            losses.append("bounds of files whose column orders differ from the others'")
        }
        let notes = [KeyValue].shared(
            by: files.map { ($0.schema, $0.metadata.keyValues ?? []) }, for: target)
        let all =
            notes.filter { note in !settings.keyValues.contains { $0.key == note.key } }
            + settings.keyValues
        merged.keyValues = all.isEmpty ? nil : all
        merged.createdBy = settings.createdBy
        metadata = merged
    }

}

extension [KeyValue] {
    /// Notes in which writers spell out the columns in their own way.
    ///
    /// Readers believe them: those over arrow-rs refuse a file whose columns are others.
    private static let schemas: Set<String> = [
        "ARROW:schema", "pandas", "iceberg.schema", "parquet.avro.schema", "avro.schema",
        "org.apache.spark.sql.parquet.row.metadata",
        "org.apache.spark.sql.parquet.row.attributes",
    ]

    /// The notes that all of some files have and that hold for a new file as well, in the order of
    /// the first.
    ///
    /// - Parameter target: The new file's schema; nil for that of the files. If it differs from one
    ///   of theirs in anything but the root, what describes columns is left out.
    public static func shared(
        by files: [(schema: ParquetSchema, notes: [KeyValue])], for target: ParquetSchema?
    ) -> [KeyValue] {
        var shared = files.first?.notes ?? []
        for file in files.dropFirst() {
            let theirs = Set(file.notes)
            shared.removeAll { !theirs.contains($0) }
        }
        let isSame = files.allSatisfy { file in
            target.map { $0.elements.dropFirst() == file.schema.elements.dropFirst() } ?? true
        }
        if !isSame { shared.removeAll { schemas.contains($0.key) } }
        return shared
    }
}

extension FileMetadata {
    /// Why the file's pages must not be moved, if so.
    var flaw: String? {
        let writer = WriterVersion(createdBy)
        if writer.understatesChunkSizes {
            return "was written by parquet-mr before 1.2.9, which states wrong sizes"
        }
        if writer.hasBrokenDeltaByteArrays, usesDeltaByteArrays {
            return "was written by parquet-mr before 1.8, whose DELTA_BYTE_ARRAY pages do not "
                + "stand alone"
        }
        return nil
    }

    private var usesDeltaByteArrays: Bool {
        rowGroups.contains { group in
            group.columns.contains {
                $0.metadata?.encodings.contains(ParquetEncoding.deltaByteArray.rawValue) == true
            }
        }
    }
}

extension ParquetSchema {
    /// The first thing in which the schemas differ, in words.
    func difference(from other: ParquetSchema) -> String {
        for (mine, theirs) in zip(elements.dropFirst(), other.elements.dropFirst())
        where mine != theirs {
            return mine.name == theirs.name
                ? "field \(mine.name) differs in its type, repetition or id"
                : "it has \(mine.name) where the first has \(theirs.name)"
        }
        return "it has \(columns.count) columns and the first \(other.columns.count)"
    }
}

extension ParquetStatistics {
    /// The statistics as they may stand in a file of another writer.
    ///
    /// The deprecated bounds are only right for numbers that compare as signed; early writers got
    /// them wrong for byte strings (PARQUET-251), and readers forgive those by their name.
    func carried(_ column: ParquetColumn, keepingBounds: Bool) -> ParquetStatistics {
        var kept = self
        let isSigned: Bool
        switch (column.type, column.logicalType) {
        case (_, .integer(_, isSigned: false)): isSigned = false
        case (.int32, _), (.int64, _), (.boolean, _): isSigned = true
        case (.float, _), (.double, _), (.int96, _), (.byteArray, _), (.fixedLengthByteArray, _):
            isSigned = false
        }
        if !isSigned { (kept.deprecatedMinimum, kept.deprecatedMaximum) = (nil, nil) }
        if !keepingBounds {
            (kept.minimum, kept.maximum) = (nil, nil)
            (kept.isMinimumExact, kept.isMaximumExact) = (nil, nil)
        }
        return kept
    }
}
