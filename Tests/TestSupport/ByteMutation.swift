// SPDX-License-Identifier: Apache-2.0

extension [UInt8] {
    /// These bytes with a few of them changed, removed, repeated or cut off.
    public func mutated(using random: inout some RandomNumberGenerator) -> [UInt8] {
        var bytes = self
        for _ in 0...Int.random(in: 0...2, using: &random) {
            guard let index = bytes.indices.randomElement(using: &random) else { return bytes }
            let length = Int.random(in: 1...8, using: &random)
            let range = index..<Swift.min(index + length, bytes.count)
            switch Int.random(in: 0...5, using: &random) {
            case 0: bytes[index] ^= 1 << UInt8.random(in: 0...7, using: &random)
            case 1: bytes[index] = UInt8.random(in: 0...255, using: &random)
            case 2: bytes.replaceSubrange(range, with: repeatElement(0xFF, count: range.count))
            case 3: bytes.removeSubrange(range)
            case 4: bytes.insert(contentsOf: bytes[range], at: index)
            default: bytes.removeLast(Int.random(in: 0...bytes.count / 4, using: &random))
            }
        }
        return bytes
    }
}
