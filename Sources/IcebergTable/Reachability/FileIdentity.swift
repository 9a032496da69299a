// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Which file a path may mean, for deciding what must not be removed.
///
/// Metadata spells one file in several ways: `file:/a`, `file:///a` and `/a`; `s3://b/k` and
/// `s3a://b/k`; `/a//b` and `/a/b`, which a file system takes for the same. Whoever compares bytes
/// alone removes a file that a kept manifest spells differently (P-04, P-10). Two identities are
/// equal if *any* reader might take the paths for one file; being equal too often keeps a file too
/// many, never one too few. Names themselves stay bytes: case, encoding and Unicode forms differ.
///
/// Links in a file system are not seen through: that takes the file system.
package struct FileIdentity {
    private enum Kind: UInt8 {
        /// Whatever is not known: every byte counts.
        case opaque
        /// A path of the local file system, or one that stands alone.
        case local
        /// An object of an S3 store; the bucket and the key follow.
        case s3
    }

    private let kind: Kind
    private let bytes: UnsafeRawBufferPointer.SubSequence
    /// The bytes with repeated slashes and `.` segments taken out, where there are any.
    private let folded: [UInt8]?

    /// Takes a path apart; valid as long as the path's bytes.
    package init(_ path: UnsafeRawBufferPointer) {
        (kind, bytes) = Self.split(path)
        folded = kind == .local && Self.needsFolding(bytes) ? Self.fold(bytes) : nil
    }

    /// Whether any reader might take the two for one file.
    package static func == (left: FileIdentity, right: FileIdentity) -> Bool {
        guard left.kind == right.kind else { return false }
        return left.withBytes { mine in
            right.withBytes { theirs in
                guard mine.count == theirs.count else { return false }
                guard let first = mine.baseAddress, let second = theirs.baseAddress else {
                    return true
                }
                return memcmp(first, second, mine.count) == 0
            }
        }
    }

    /// Calls back with what is left of the path once its spelling is taken off.
    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        if let folded { return folded.withUnsafeBytes(body) }
        return body(UnsafeRawBufferPointer(rebasing: bytes))
    }

    /// Whether this path goes on after whole segments of the other.
    ///
    /// False for a local path that climbs with `..`: where it leads, only the file system knows.
    func isBelow(_ prefix: FileIdentity) -> Bool {
        guard kind == prefix.kind, !climbs, !prefix.climbs else { return false }
        return withBytes { path in
            prefix.withBytes { prefix in
                var prefix = prefix[...]
                if prefix.last == Self.slash { prefix = prefix.dropLast() }
                guard path.count > prefix.count + 1, path[prefix.count] == Self.slash else {
                    return false
                }
                return zip(path, prefix).allSatisfy { $0 == $1 }
            }
        }
    }

    /// Whether a segment of a local path is `..`.
    private var climbs: Bool {
        guard kind == .local else { return false }
        return withBytes { bytes in
            bytes.split(separator: Self.slash).contains { $0.elementsEqual([Self.dot, Self.dot]) }
        }
    }

    /// What kind of path it is, as a byte; identities of other kinds are never equal.
    package var kindCode: UInt8 { kind.rawValue }

    /// A number that equal identities share.
    var seed: UInt64 { UInt64(kind.rawValue) &* 0x9E37_79B9_7F4A_7C15 }

    private static let slash = UInt8(ascii: "/")
    private static let dot = UInt8(ascii: ".")

    private static func split(
        _ path: UnsafeRawBufferPointer
    ) -> (Kind, UnsafeRawBufferPointer.SubSequence) {
        guard let first = path.first else { return (.opaque, path[...]) }
        if first == slash { return (.local, path[...]) }
        // Letters of a scheme count as one whatever their case; setting the bit lowers them.
        switch first | 0x20 {
        case UInt8(ascii: "f") where has("file:", path):
            let rest = path.dropFirst(5)
            guard rest.starts(with: [slash, slash]), rest.dropFirst(2).first != slash else {
                return (.local, rest)
            }
            // `file://a/b` is the path a/b below a folder that only the storage knows.
            return (.local, rest.dropFirst(2))
        case UInt8(ascii: "s"):
            if has("s3://", path) { return (.s3, path.dropFirst(5)) }
            if has("s3a://", path) || has("s3n://", path) { return (.s3, path.dropFirst(6)) }
        default: break
        }
        return isRelative(path) ? (.local, path[...]) : (.opaque, path[...])
    }

    /// Whether a path begins with a scheme, in letters of either case.
    private static func has(_ scheme: StaticString, _ path: UnsafeRawBufferPointer) -> Bool {
        scheme.withUTF8Buffer { wanted in
            path.count >= wanted.count
                && zip(path, wanted).allSatisfy { byte, wanted in
                    byte == wanted || (wanted >= UInt8(ascii: "a") && byte | 0x20 == wanted)
                }
        }
    }

    /// Whether nothing before the first slash could end a scheme.
    private static func isRelative(_ path: UnsafeRawBufferPointer) -> Bool {
        for byte in path {
            if byte == slash { return true }
            if byte == UInt8(ascii: ":") { return false }
        }
        return true
    }

    private static func needsFolding(_ bytes: UnsafeRawBufferPointer.SubSequence) -> Bool {
        var previous: UInt8 = 0
        for byte in bytes {
            if previous == slash, byte == slash || byte == dot { return true }
            previous = byte
        }
        return bytes.first == dot || previous == slash
    }

    private static func fold(_ bytes: UnsafeRawBufferPointer.SubSequence) -> [UInt8] {
        var folded: [UInt8] = []
        folded.reserveCapacity(bytes.count)
        if bytes.first == slash { folded.append(slash) }
        for segment in bytes.split(separator: slash) where !segment.elementsEqual([dot]) {
            if let last = folded.last, last != slash { folded.append(slash) }
            folded.append(contentsOf: segment)
        }
        return folded
    }
}
