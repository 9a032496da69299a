// SPDX-License-Identifier: Apache-2.0

/// Shortens bounds of byte strings so that they stay bounds.
enum BoundTruncation {
    /// The front of a lower bound: a prefix never comes after what it is the front of.
    ///
    /// Text is cut between characters as far as it is valid.
    static func minimum(_ bound: [UInt8], bytes limit: Int, isText: Bool) -> [UInt8] {
        guard bound.count > limit else { return bound }
        return Array(bound[..<cut(bound, limit, isText)])
    }

    /// The front of an upper bound with its last part increased; nil if nothing can be.
    static func maximum(_ bound: [UInt8], bytes limit: Int, isText: Bool) -> [UInt8]? {
        guard bound.count > limit else { return bound }
        let front = Array(bound[..<cut(bound, limit, isText)])
        return isText ? nextText(front) ?? nextBytes(front) : nextBytes(front)
    }

    /// The first characters of a text: code points, not what a reader would call one.
    static func minimum(text: [UInt8], characters limit: Int) -> [UInt8] {
        Array(text[..<(end(text, characters: limit) ?? text.count)])
    }

    /// The first characters of a text with the last that can be increased; nil if none can.
    static func maximum(text: [UInt8], characters limit: Int) -> [UInt8]? {
        guard let end = end(text, characters: limit) else { return text }
        return nextText(Array(text[..<end]))
    }

    private static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }

    private static func cut(_ bound: [UInt8], _ limit: Int, _ isText: Bool) -> Int {
        var end = limit
        while isText, end > 0, isContinuation(bound[end]) { end -= 1 }
        return end > 0 ? end : limit
    }

    /// Where so many characters end; nil if there are no more than that.
    private static func end(_ text: [UInt8], characters limit: Int) -> Int? {
        var seen = 0
        for (index, byte) in text.enumerated() where !isContinuation(byte) {
            if seen == limit { return index }
            seen += 1
        }
        return nil
    }

    /// The least bytes that come after all that begin with these; nil for nothing but 0xFF.
    static func nextBytes(_ bytes: [UInt8]) -> [UInt8]? {
        guard let last = bytes.lastIndex(where: { $0 < 0xFF }) else { return nil }
        var next = Array(bytes[...last])
        next[last] += 1
        return next
    }

    /// The same for text, whose last character that is not the highest becomes the next one.
    static func nextText(_ bytes: [UInt8]) -> [UInt8]? {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        var scalars = Array(text.unicodeScalars)
        while let last = scalars.popLast() {
            // Surrogates are no characters.
            let next = last.value == 0xD7FF ? 0xE000 : last.value + 1
            guard let scalar = Unicode.Scalar(next) else { continue }
            return scalars.flatMap { Array(String($0).utf8) } + Array(String(scalar).utf8)
        }
        return nil
    }
}
