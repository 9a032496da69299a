// SPDX-License-Identifier: Apache-2.0

public import Compression

/// Why a Parquet file cannot be read, or files cannot be made into one.
public enum ParquetError: Error, Hashable, Sendable {
    /// The file does not begin and end as a Parquet file does.
    case notParquet(reason: String)
    /// The file, or a column that is asked for, is encrypted: this reader holds no keys.
    case encrypted(column: String?)
    /// The bytes break the format: they are damaged or cut off.
    case malformed(reason: String, at: ParquetPlace)
    /// The bytes may be sound, but they use something that this reader does not know.
    case unsupported(feature: String)
    /// A part is larger than this reader is ready to hold: raise the limit or refuse the file.
    case tooLarge(part: String, size: Int64, limit: Int64)
    /// A page cannot be decompressed, or what is to be written cannot be compressed.
    case compression(CompressionError, at: ParquetPlace)
    /// The bytes of a page are not those that its writer counted.
    case checksumMismatch(at: ParquetPlace)
    /// The files cannot become one: rewrite them by value, or leave them apart.
    case incompatible(reason: String)
}

/// A part of a file, and where it begins.
public struct ParquetPlace: Hashable, Sendable {
    /// What kinds of parts there are.
    public enum Part: String, Hashable, Sendable {
        /// The footer with the file's metadata.
        case footer
        /// The header of a page.
        case pageHeader = "page header"
        /// The levels and values of a page.
        case page
        /// A column index or an offset index.
        case pageIndex = "page index"
        /// A bloom filter with its header.
        case bloomFilter = "bloom filter"
        /// The pages of one column in one row group.
        case columnChunk = "column chunk"
    }

    /// What lies there.
    public let part: Part
    /// The byte offset in the file at which the part begins.
    public let offset: Int64

    /// Takes both.
    public init(_ part: Part, _ offset: Int64) {
        self.part = part
        self.offset = offset
    }
}

/// Why reading stopped: the bytes did not come, or they made no sense.
public enum ParquetReadError<SourceFailure: Error>: Error {
    /// The source of the bytes failed.
    case source(SourceFailure)
    /// The bytes are not the Parquet that is asked for.
    case format(ParquetError)
}

/// Why writing one file from others stopped; what was written so far is no Parquet file.
public enum ParquetWriteError<SourceFailure: Error, SinkFailure: Error>: Error {
    /// A source of bytes failed.
    case source(SourceFailure)
    /// The sink did not take the bytes.
    case sink(SinkFailure)
    /// A source holds what cannot be used.
    case format(ParquetError)
}

extension ParquetReadError: Equatable where SourceFailure: Equatable {}
extension ParquetWriteError: Equatable where SourceFailure: Equatable, SinkFailure: Equatable {}

extension ParquetPlace: CustomStringConvertible {
    /// The text form, for messages.
    public var description: String { "the \(part.rawValue) at byte \(offset)" }
}

extension ParquetError: CustomStringConvertible {
    /// The text form, for logs and messages.
    public var description: String {
        switch self {
        case .notParquet(let reason): "it is no Parquet file: \(reason)"
        case .encrypted(nil): "it is encrypted, which is not supported: decrypt the table first"
        case .encrypted(let column?):
            "its column \(column) is encrypted, which is not supported: decrypt the table first"
        case .malformed(let reason, let place): "\(place) is damaged: \(reason)"
        case .unsupported(let feature): "\(feature) is not supported"
        case .tooLarge(let part, let size, let limit):
            "\(part) of \(size) is over the limit of \(limit)"
        case .compression(let error, let place): "\(place): \(error)"
        case .checksumMismatch(let place): "\(place) does not match its checksum"
        case .incompatible(let reason): reason
        }
    }
}
