// SPDX-License-Identifier: Apache-2.0

public import WireFormat

/// Why a metadata file cannot be used.
///
/// All are terminal for the table until somebody repairs it; other tables are not concerned.
public enum TableMetadataError: Error, Hashable, Sendable {
    /// The text is not JSON.
    case notJSON(JSONSyntaxError)
    /// The file is larger than the reader accepts.
    case tooLarge(byteCount: Int, limit: Int)
    /// The table has a format version that this program does not know.
    case unsupportedFormatVersion(Int64)
    /// A member is missing, has the wrong type or contradicts another one. The path is like
    /// `snapshots[3].timestamp-ms`, empty for the document itself.
    case invalid(path: String, reason: String)
}

extension TableMetadataError: CustomStringConvertible {
    /// The text form, for logs and messages.
    public var description: String {
        switch self {
        case .notJSON(let error): "the table metadata is \(error)"
        case .tooLarge(let byteCount, let limit):
            "the table metadata has \(byteCount) bytes, more than the \(limit) that are read"
        case .unsupportedFormatVersion(let version):
            "the table has format version \(version); versions 1 to "
                + "\(FormatVersion.v3.rawValue) are understood"
        case .invalid(let path, let reason):
            path.isEmpty ? "the table metadata \(reason)" : "the table metadata's \(path) \(reason)"
        }
    }
}
