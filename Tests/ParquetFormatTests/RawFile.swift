// SPDX-License-Identifier: Apache-2.0

import TestSupport

@testable import ParquetFormat

/// Files put together of pages and a footer that tests make up.
enum RawFile {
    /// The pages of a file of parquet-testing under another footer.
    static func bytes(_ footer: FileMetadata, over name: String) throws -> [UInt8] {
        let file = try Fixtures.bytes("parquet/data/" + name)
        let length = file.suffix(8).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        return bytes(footer, behind: file.prefix(file.count - 8 - length))
    }

    /// Whatever precedes the footer, the magic at the beginning too, and the footer behind it.
    static func bytes(_ footer: FileMetadata, behind front: some Sequence<UInt8>) -> [UInt8] {
        let tail = footer.thriftBytes
        let length = withUnsafeBytes(of: UInt32(tail.count).littleEndian, Array.init)
        return Array(front) + tail + length + FooterBytes.magic
    }
}
