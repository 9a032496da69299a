// SPDX-License-Identifier: Apache-2.0

import Digests
import Testing

struct MessageDigestTests {
    /// What `sha256sum` and `md5sum` print.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ])
    func `SHA-256 is that of FIPS 180`(text: String, expected: String) {
        #expect(Hexadecimal.text(MessageDigest.sha256.hash(Array(text.utf8))) == expected)
    }

    @Test(arguments: [
        ("", "d41d8cd98f00b204e9800998ecf8427e"),
        ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
    ])
    func `MD5 is that of RFC 1321`(text: String, expected: String) {
        #expect(Hexadecimal.text(MessageDigest.md5.hash(Array(text.utf8))) == expected)
    }

    /// Test cases 1, 2 and 6 of RFC 4231, and an empty key.
    @Test(arguments: [
        (
            [UInt8](repeating: 0x0B, count: 20), "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            Array("Jefe".utf8), "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            [UInt8](repeating: 0xAA, count: 131),
            "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
        ([], "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
    ])
    func `a keyed digest is that of RFC 4231`(key: [UInt8], text: String, expected: String) {
        let code = MessageDigest.sha256.authenticationCode(of: Array(text.utf8), key: key)
        #expect(Hexadecimal.text(code) == expected)
    }

    @Test func `many threads compute at once`() async {
        let one = MessageDigest.sha256.hash([UInt8](repeating: 7, count: 1 << 16))
        await withTaskGroup(of: [UInt8].self) { group in
            for _ in 0..<64 {
                group.addTask {
                    MessageDigest.sha256.hash([UInt8](repeating: 7, count: 1 << 16))
                }
            }
            for await other in group { #expect(other == one) }
        }
    }
}
