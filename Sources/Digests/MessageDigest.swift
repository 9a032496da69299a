// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// A digest of bytes, computed by OpenSSL.
public enum MessageDigest: Sendable {
    /// 32 bytes; FIPS 180-4.
    case sha256
    /// 16 bytes; RFC 1321. For protocols that ask for it: it finds accidents, not forgeries.
    case md5

    /// The digest of some bytes.
    public func hash(_ bytes: [UInt8]) -> [UInt8] {
        collect { result, size in
            EVP_Digest(bytes, bytes.count, result, size, algorithm.pointer, nil) == 1
        }
    }

    /// The keyed digest of some bytes: HMAC, RFC 2104.
    public func authenticationCode(of bytes: [UInt8], key: [UInt8]) -> [UInt8] {
        collect { result, size in
            let keySize = Int32(key.count)
            return HMAC(algorithm.pointer, key, keySize, bytes, bytes.count, result, size) != nil
        }
    }

    private func collect(
        _ compute: (UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<UInt32>) -> Bool
    ) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { buffer, count in
            var size: UInt32 = 0
            // Never nil: the capacity is not zero.
            let isDone = buffer.baseAddress.map { compute($0, &size) } ?? false
            // No input makes it fail, only want of memory.
            precondition(isDone, "OpenSSL computes no \(self)")
            count = Int(size)
        }
    }

    private var algorithm: Algorithm {
        switch self {
        case .sha256: Algorithm.sha256
        case .md5: Algorithm.md5
        }
    }
}

/// An algorithm of OpenSSL, which stays loaded.
private struct Algorithm: @unchecked Sendable {
    // Sendable: OpenSSL's algorithms do not change, and any thread may use them.
    let pointer: OpaquePointer

    static let sha256 = Algorithm("SHA256")
    static let md5 = Algorithm("MD5")

    /// A library of our own takes nothing from the system's configuration: where that allows FIPS'
    /// algorithms alone, S3 still asks for MD5.
    private static let library = Library()

    private init(_ name: String) {
        guard let found = EVP_MD_fetch(Self.library.pointer, name, nil) else {
            preconditionFailure("this OpenSSL has no \(name)")
        }
        pointer = found
    }

    private struct Library: @unchecked Sendable {
        // Sendable: OpenSSL locks what it changes.
        let pointer = OSSL_LIB_CTX_new()
    }
}
