// SPDX-License-Identifier: Apache-2.0

import ObjectStorage

/// A bucket and a key in it, as a location names them.
///
/// `s3`, `s3a` and `s3n` are one scheme (P-04); every other is refused, and so is an authority that
/// is more than a bucket's name. The key is all that follows the bucket's slash, byte for byte:
/// `//`, `..` and `%20` are parts of it like any other (P-10).
struct S3Address: Hashable, Sendable {
    /// The schemes that are served, in lower case.
    static let schemes = ["s3", "s3a", "s3n"]

    let bucket: String
    /// Empty for the bucket itself.
    let key: String
    /// The scheme, colon, slashes and bucket as they are spelled, with one slash at the end.
    let root: String

    init(_ location: Location) throws(StorageError) {
        guard let scheme = location.scheme, Self.schemes.contains(scheme) else {
            throw .unsupported(location, reason: "it is no s3://, s3a:// or s3n:// location")
        }
        let afterScheme = location.rawValue.utf8.dropFirst(scheme.utf8.count)
        guard afterScheme.starts(with: "://".utf8) else {
            throw .unsupported(location, reason: "\(scheme): must be followed by //BUCKET/KEY")
        }
        let rest = afterScheme.dropFirst("://".utf8.count)
        let name = rest.prefix { $0 != UInt8(ascii: "/") }
        bucket = String(Substring(name))
        key = String(Substring(rest.dropFirst(name.count + 1)))
        root = String(Substring(location.rawValue.utf8[..<name.endIndex])) + "/"
        guard Self.isName(bucket) else {
            throw .unsupported(
                location,
                reason: "\"\(bucket)\" is no name of a bucket: 1 to 255 letters, digits, '.', '-' "
                    + "or '_'; ports, users and ARNs belong in the configuration")
        }
    }

    /// Of an object: its key is not empty.
    static func object(_ location: Location) throws(StorageError) -> S3Address {
        let address = try S3Address(location)
        guard !address.key.utf8.isEmpty else {
            throw .unsupported(location, reason: "it names a bucket, not an object")
        }
        return address
    }

    /// Of an object to be written: its key is one that every store takes.
    static func newObject(_ location: Location) throws(StorageError) -> S3Address {
        let address = try object(location)
        guard address.key.utf8.count <= S3Limits.keyBytes else {
            throw .unsupported(
                location, reason: "its key is longer than \(S3Limits.keyBytes) bytes")
        }
        return address
    }

    /// What the keys below this location begin with: the key and a slash, or nothing in the bucket.
    var keyPrefix: String {
        key.utf8.isEmpty || key.utf8.last == UInt8(ascii: "/") ? key : key + "/"
    }

    /// Another key of the same bucket, spelled with the same scheme.
    func location(ofKey key: String) -> Location { Location(root + key) }

    private static func isName(_ name: String) -> Bool {
        (1...255).contains(name.utf8.count) && name != "." && name != ".."
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
