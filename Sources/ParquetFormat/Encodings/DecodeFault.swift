// SPDX-License-Identifier: Apache-2.0

/// Why the bytes of a page do not decode; who knows the place makes a ``ParquetError`` of it.
enum DecodeFault: Error, Hashable {
    case malformed(String)
    case unsupported(String)
    case tooLarge(part: String, size: Int, limit: Int)

    static let endOfData = DecodeFault.malformed("it ends within its values")

    func at(_ place: ParquetPlace) -> ParquetError {
        switch self {
        case .malformed(let reason): .malformed(reason: reason, at: place)
        case .unsupported(let feature): .unsupported(feature: feature)
        case .tooLarge(let part, let size, let limit):
            .tooLarge(part: part, size: Int64(size), limit: Int64(limit))
        }
    }
}
