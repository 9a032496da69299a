// SPDX-License-Identifier: Apache-2.0

import IcebergTable

/// Which paths mean one object, and which look as if they might.
///
/// Keys are opaque bytes and never normalised (P-10), but for what every reader agrees on, see
/// `FileIdentity`, and what the request declares equal (P-04). Two paths with equal *keys* are one
/// object. Two with the same *name hash* are called alike however their folders are spelled: by
/// percent signs, Unicode forms, symbolic links, other schemes; that is a reason to look closer,
/// never to remove.
package struct PathMatching: Sendable {
    private let schemes: [[UInt8]: [UInt8]]
    private let authorities: [[UInt8]: [UInt8]]

    /// Takes what means another: one or several names, separated by commas, to the one they mean.
    package init(
        equalSchemes: [String: String] = [:], equalAuthorities: [String: String] = [:]
    ) {
        schemes = Self.flattened(equalSchemes) { $0.lowercased() }
        authorities = Self.flattened(equalAuthorities) { $0 }
    }

    private static func flattened(
        _ map: [String: String], _ spelling: (String) -> String
    ) -> [[UInt8]: [UInt8]] {
        var flat: [[UInt8]: [UInt8]] = [:]
        for (names, meaning) in map {
            for name in names.split(separator: ",") {
                let trimmed = name.filter { $0 != " " }
                flat[Array(spelling(trimmed).utf8)] = Array(spelling(meaning).utf8)
            }
        }
        return flat
    }

    /// Calls back with the bytes that all spellings of one object share.
    package func withKey<Result>(
        of path: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        if schemes.isEmpty, authorities.isEmpty { return Self.withOwnKey(of: path, body) }
        let parts = PathParts(path)
        guard let scheme = parts.scheme else { return Self.withOwnKey(of: path, body) }
        let lower = scheme.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
        var renamed = schemes[lower] ?? lower
        renamed += Array("://".utf8)
        renamed += authorities[Array(parts.authority)] ?? Array(parts.authority)
        renamed += parts.path
        return renamed.withUnsafeBytes { Self.withOwnKey(of: $0, body) }
    }

    private static func withOwnKey<Result>(
        of path: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        let identity = FileIdentity(path)
        return identity.withBytes { bytes in
            withUnsafeTemporaryAllocation(byteCount: bytes.count + 1, alignment: 1) { buffer in
                buffer[0] = identity.kindCode
                UnsafeMutableRawBufferPointer(rebasing: buffer[1...]).copyMemory(from: bytes)
                return body(UnsafeRawBufferPointer(buffer))
            }
        }
    }

    /// The bytes that all spellings of one object share.
    package func key(of path: String) -> [UInt8] {
        var path = path
        return path.withUTF8 { withKey(of: UnsafeRawBufferPointer($0)) { Array($0) } }
    }
}

/// A path taken apart; the parts are valid as long as its bytes.
package struct PathParts {
    /// Before `://`; nil where there is none.
    package let scheme: UnsafeRawBufferPointer.SubSequence?
    /// Between `://` and the next slash.
    package let authority: UnsafeRawBufferPointer.SubSequence
    /// From the slash on; everything where there is no scheme.
    package let path: UnsafeRawBufferPointer.SubSequence

    private static let slash = UInt8(ascii: "/")

    /// Takes a path apart.
    package init(_ text: UnsafeRawBufferPointer) {
        let end = text.firstIndex { $0 == UInt8(ascii: ":") || $0 == Self.slash } ?? text.endIndex
        let isScheme = end > 0 && text[end...].starts(with: "://".utf8)
        guard isScheme else {
            scheme = nil
            authority = text[..<0]
            // `file:/a` has a scheme and no authority.
            let isBare = end > 0 && text[end...].starts(with: ":/".utf8)
            path = isBare ? text[(end + 1)...] : text[...]
            return
        }
        scheme = text[..<end]
        let rest = text[(end + 3)...]
        let start = rest.firstIndex(of: Self.slash) ?? rest.endIndex
        authority = rest[..<start]
        path = rest[start...]
    }

    /// What follows the last slash.
    package var name: UnsafeRawBufferPointer.SubSequence {
        path.lastIndex(of: Self.slash).map { path[($0 + 1)...] } ?? path
    }
}

/// Hashes by which paths that look alike are found; valid within one process.
package struct LikenessHash: Sendable {
    private let seed = UInt64.random(in: .min ... .max)

    /// Begins a comparison; hashes of two comparisons have nothing in common.
    package init() {}

    /// Equal for names that are called alike: percent signs decoded, Unicode forms levelled.
    package func name(of path: UnsafeRawBufferPointer) -> UInt64 {
        let name = PathParts(path).name
        let isPlain = name.allSatisfy { $0 < 0x80 && $0 != UInt8(ascii: "%") }
        if isPlain { return hash(name) }
        let decoded = Self.decoded(name)
        guard decoded.contains(where: { $0 >= 0x80 }) else { return hash(decoded[...]) }
        var hasher = Hasher()
        // A `String` feeds its hasher canonically equivalent forms alike.
        hasher.combine(String(decoding: decoded, as: UTF8.self))
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// Equal for paths that differ by scheme and authority alone.
    package func path(of path: UnsafeRawBufferPointer) -> UInt64 { hash(PathParts(path).path) }

    private func hash(_ bytes: some Collection<UInt8>) -> UInt64 {
        var state = seed
        for byte in bytes { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return state
    }

    private static func decoded(_ name: UnsafeRawBufferPointer.SubSequence) -> [UInt8] {
        var decoded: [UInt8] = []
        var index = name.startIndex
        while index < name.endIndex {
            if name[index] == UInt8(ascii: "%"), name.endIndex - index > 2,
                let high = hexadecimal(name[index + 1]), let low = hexadecimal(name[index + 2])
            {
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(name[index])
                index += 1
            }
        }
        return decoded
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
