// SPDX-License-Identifier: Apache-2.0

import Testing
import WireFormat

/// The digests that rewrites are checked with.
@Suite struct Digest128Tests {
    private func digest(_ texts: String...) -> Digest128 {
        var digest = Digest128()
        for text in texts { digest.absorb(text) }
        return digest
    }

    @Test func `a digest is the same on every machine`() {
        #expect(
            digest("abc", "a longer text of more than one word").bytes == [
                0x0A, 0xCC, 0x07, 0x40, 0xBA, 0xB1, 0xB8, 0xA1,
                0x20, 0xBC, 0xF4, 0xA4, 0x4C, 0x5B, 0xEE, 0xD9,
            ])
    }

    @Test func `texts are framed`() {
        #expect(digest("a", "bc") != digest("ab", "c"))
        #expect(digest("") != Digest128())
        #expect(digest("a") != digest("a\0"))
    }

    @Test func `a multiset does not care for order but for how often`() {
        var left = MultisetDigest()
        var right = MultisetDigest()
        for text in ["a", "b", "b"] { left.insert(digest(text)) }
        for text in ["b", "a", "b"] { right.insert(digest(text)) }
        #expect(left == right)

        var other = MultisetDigest()
        for text in ["a", "a", "b"] { other.insert(digest(text)) }
        #expect(left != other)
        #expect(left.count == 3)
    }

    @Test func `values that change places do not cancel out`() {
        // A sum of weak digests is blind to this: only the last letters are swapped.
        var left = MultisetDigest()
        var right = MultisetDigest()
        left.insert(digest("x1"))
        left.insert(digest("y2"))
        right.insert(digest("x2"))
        right.insert(digest("y1"))
        #expect(left != right)
    }

    @Test func `a union counts every value of both`() {
        var left = MultisetDigest()
        left.insert(digest("a"))
        var right = MultisetDigest()
        right.insert(digest("b"))
        left.formUnion(right)
        var both = MultisetDigest()
        both.insert(digest("b"))
        both.insert(digest("a"))
        #expect(left == both)
    }
}
