// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing
import WireFormat

@Suite struct PercentEncodingTests {
    @Test(arguments: [
        ("a b", "a%20b"), ("a+b", "a%2Bb"), ("a%20b", "a%2520b"), ("a//b", "a%2F%2Fb"),
        ("../x", "..%2Fx"), ("é", "%C3%A9"), ("e\u{301}", "e%CC%81"), ("日", "%E6%97%A5"),
        ("~-._", "~-._"), ("*'()!", "%2A%27%28%29%21"), ("\u{0}\u{7F}", "%00%7F"), ("", ""),
    ])
    func `every byte but the unreserved ones is encoded`(text: String, encoded: String) {
        #expect(PercentEncoding.encode(text) == encoded)
    }

    @Test func `slashes are kept on request, each of them`() {
        #expect(PercentEncoding.encode("a//b/../c d/", keepingSlashes: true) == "a//b/../c%20d/")
    }

    @Test(arguments: UInt64(0)..<100)
    func `what was encoded is decoded to the same bytes`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let scalars = (0..<20).compactMap { _ in
            Unicode.Scalar(UInt32.random(in: 0...0x2FFFF, using: &random))
        }
        let text = String(String.UnicodeScalarView(scalars))

        let decoded = PercentEncoding.decode(PercentEncoding.encode(text))

        #expect(decoded.map { Array($0.utf8) } == Array(text.utf8))
    }

    @Test(arguments: ["%", "%4", "%zz", "a%2", "%C3", "%FF"])
    func `a broken encoding is no text`(text: String) {
        #expect(PercentEncoding.decode(text) == nil)
    }

    @Test func `a plus sign is a space only where it was asked for`() {
        #expect(PercentEncoding.decode("a+b%2Bc") == "a+b+c")
        #expect(PercentEncoding.decode("a+b%2Bc", plusIsSpace: true) == "a b+c")
    }
}
