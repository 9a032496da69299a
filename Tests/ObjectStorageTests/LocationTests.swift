// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import Testing

@Suite struct LocationTests {
    @Test func `composed and decomposed letters are two locations, P-10`() {
        let composed = Location("/t/\u{E9}")
        let decomposed = Location("/t/e\u{301}")

        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
        #expect((composed < decomposed) != (decomposed < composed))
        // Two marks in another order: one letter to a person, two texts of one length to a store.
        #expect(Location("a\u{323}\u{307}") != Location("a\u{307}\u{323}"))
    }

    @Test(
        arguments: [
            ("/a/b", nil), ("a/b", nil), ("s3://b/k", "s3"), ("S3A://b", "s3a"),
            ("file:/a", "file"),
            ("/a:b", nil), ("a b:c", nil), (":x", nil), ("1a:x", nil), ("", nil), ("\u{E9}:x", nil),
        ] as [(String, String?)])
    func `the scheme is what stands before the first colon, if it can be one`(
        text: String, scheme: String?
    ) {
        #expect(Location(text).scheme == scheme)
    }

    @Test func `a name is appended with exactly one slash`() {
        #expect(Location("/a").appending("b").rawValue == "/a/b")
        #expect(Location("/a/").appending("b").rawValue == "/a/b")
        // Not normalised: a second slash of the text stays (P-10).
        #expect(Location("/a//").appending("b").rawValue == "/a//b")
        #expect(Location("/a").appending("\u{301}b").lastComponent == "\u{301}b")
        #expect(Location("abc").lastComponent == "abc")
        #expect(Location("/a/").lastComponent.isEmpty)
    }
}
