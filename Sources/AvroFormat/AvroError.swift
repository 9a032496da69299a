// SPDX-License-Identifier: Apache-2.0

public import Compression

/// Why an Avro file cannot be read.
public enum AvroError: Error, Hashable, Sendable {
    /// The file does not begin as an Avro container does; these are its first bytes.
    case notAvro(firstBytes: [UInt8])
    /// The file breaks the format: it is damaged or cut off.
    case malformed(AvroFault, at: AvroPosition)
    /// The writer used a codec that this reader does not know.
    case unsupportedCodec(String)
    /// A part is larger than this reader is ready to hold.
    case tooLarge(part: String, size: Int64, limit: Int64, at: AvroPosition)
    /// The writer's schema is no valid Avro schema.
    case invalidSchema(reason: String)
    /// The writer's schema is valid but lacks, or types differently, what the caller must have.
    case schemaMismatch(reason: String)
    /// A block cannot be decompressed.
    case compression(CompressionError, at: AvroPosition)
    /// A value has a valid encoding but makes no sense for its field.
    case invalidValue(field: String, reason: String, at: AvroPosition)
}

/// How the bytes of a file break the format.
public enum AvroFault: Hashable, Sendable {
    /// The data ends within a value.
    case endOfData
    /// A variable-length integer has more bytes than 64 bits need.
    case integerOverflow
    /// An `int` holds a number outside 32 bits.
    case integerOutOfRange(Int64)
    /// A length or count is negative where none may be.
    case negativeLength(Int64)
    /// A length or count asks for more than what is left.
    case lengthBeyondEnd(Int64)
    /// A union names a branch that the schema does not have.
    case unknownBranch(Int64)
    /// A boolean is neither 0 nor 1.
    case invalidBoolean(UInt8)
    /// A field that must have a value is null.
    case unexpectedNull(field: String)
    /// A string is not UTF-8.
    case invalidText(field: String)
    /// The marker after a block is not the file's.
    case wrongSyncMarker
    /// The records of a block end before the block does.
    case leftoverBytes(Int)
    /// Records nest deeper than this reader follows.
    case nestedTooDeeply
    /// A metadata key is there twice.
    case duplicateMetadataKey(String)
    /// The header has no schema.
    case missingSchema
}

/// A place in an Avro file.
public struct AvroPosition: Hashable, Sendable {
    /// The byte offset in the file; of the block, if the place is within a compressed one.
    public let fileOffset: Int64
    /// The byte offset within the decompressed block, or nil.
    public let decodedOffset: Int?

    /// Takes both offsets.
    public init(fileOffset: Int64, decodedOffset: Int? = nil) {
        self.fileOffset = fileOffset
        self.decodedOffset = decodedOffset
    }
}

/// Why reading stopped: the bytes did not come, or they made no sense.
public enum AvroReadError<SourceFailure: Error>: Error {
    /// The source of the bytes failed.
    case source(SourceFailure)
    /// The bytes are not the Avro that is asked for.
    case format(AvroError)
}

extension AvroReadError: Equatable where SourceFailure: Equatable {}

extension AvroPosition: CustomStringConvertible {
    /// The text form, for messages.
    public var description: String {
        guard let decodedOffset else { return "byte \(fileOffset)" }
        return "byte \(decodedOffset) of the decompressed block at byte \(fileOffset)"
    }
}

extension AvroError: CustomStringConvertible {
    /// The text form, for logs and messages.
    public var description: String {
        switch self {
        case .notAvro(let bytes):
            "it is no Avro file: it begins with \(bytes.map(hexadecimal).joined(separator: " "))"
        case .malformed(let fault, let position): "it is damaged at \(position): \(fault)"
        case .unsupportedCodec(let name): "its codec \(name) is not supported"
        case .tooLarge(let part, let size, let limit, let position):
            "\(part) of \(size) at \(position) is over the limit of \(limit)"
        case .invalidSchema(let reason): "its schema is invalid: \(reason)"
        case .schemaMismatch(let reason): "its schema does not fit: \(reason)"
        case .compression(let error, let position): "its block at \(position): \(error)"
        case .invalidValue(let field, let reason, let position):
            "\(field) at \(position) \(reason)"
        }
    }
}

extension AvroFault: CustomStringConvertible {
    /// The text form, for logs and messages.
    public var description: String {
        switch self {
        case .endOfData: "the data ends within a value"
        case .integerOverflow: "an integer is longer than 64 bits"
        case .integerOutOfRange(let value): "\(value) does not fit an int"
        case .negativeLength(let length): "a length is \(length)"
        case .lengthBeyondEnd(let length): "a length of \(length) reaches past the end"
        case .unknownBranch(let branch): "a union has no branch \(branch)"
        case .invalidBoolean(let byte): "a boolean is \(byte)"
        case .unexpectedNull(let field): "\(field) is null"
        case .invalidText(let field): "\(field) is not UTF-8"
        case .wrongSyncMarker: "the block does not end with the file's sync marker"
        case .leftoverBytes(let count): "\(count) bytes follow the last record of the block"
        case .nestedTooDeeply: "records nest too deeply"
        case .duplicateMetadataKey(let key): "the metadata key \(key) is there twice"
        case .missingSchema: "the header has no schema"
        }
    }
}

private func hexadecimal(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return digits.count < 2 ? "0" + digits : digits
}
