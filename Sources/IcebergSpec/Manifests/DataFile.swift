// SPDX-License-Identifier: Apache-2.0

/// A file that a manifest lists: data, deletes, or a deletion vector within a Puffin file.
///
/// Iceberg spec, Data File Fields.
public struct DataFile: Hashable, Sendable {
    /// What the file holds; all v1 files hold data.
    public var content: DataFileContent
    /// Where the file is, exactly as the manifest spells it.
    public var filePath: String
    /// How the file is encoded.
    public var fileFormat: FileFormat
    /// How many rows it holds, or how many positions a deletion vector deletes.
    public var recordCount: Int64
    /// Its length in bytes.
    public var fileSizeInBytes: Int64
    /// What an encryption scheme needs to read it; nil for plain files.
    public var keyMetadata: [UInt8]?
    /// Where it may be split, ascending.
    public var splitOffsets: [Int64]?
    /// The columns by which an equality delete file deletes.
    public var equalityIDs: [Int32]?
    /// The sort order of its rows.
    public var sortOrderID: Int32?
    /// The row id of its first row (v3).
    public var firstRowID: Int64?
    /// The one data file that all of its deletes refer to.
    public var referencedDataFile: String?
    /// Where a deletion vector starts within its Puffin file.
    public var contentOffset: Int64?
    /// How long that deletion vector is.
    public var contentSizeInBytes: Int64?

    /// A plain file; everything else can be set afterwards.
    public init(
        content: DataFileContent, filePath: String, fileFormat: FileFormat, recordCount: Int64,
        fileSizeInBytes: Int64
    ) {
        self.content = content
        self.filePath = filePath
        self.fileFormat = fileFormat
        self.recordCount = recordCount
        self.fileSizeInBytes = fileSizeInBytes
    }
}

/// What a file in a manifest holds.
public enum DataFileContent: Int32, Hashable, Sendable, CaseIterable {
    /// Rows.
    case data = 0
    /// Positions of deleted rows, in a file or as a deletion vector.
    case positionDeletes = 1
    /// Values of deleted rows.
    case equalityDeletes = 2
}

/// How a file in a manifest is encoded.
public enum FileFormat: String, Hashable, Sendable, CaseIterable {
    /// Apache Avro.
    case avro
    /// Apache ORC.
    case orc
    /// Apache Parquet.
    case parquet
    /// Puffin, for deletion vectors.
    case puffin

    /// From the name in a manifest; writers differ in case.
    public init?(name: String) { self.init(rawValue: name.lowercased()) }
}
