// SPDX-License-Identifier: Apache-2.0

/// Paths on their way from a reader to a set that is shared, so that the set's lock is taken once
/// for many of them.
package struct PathBatch<Tag> {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    private var tags: [Tag] = []

    /// When a batch should be handed over.
    static var fullByteCount: Int { 64 * 1024 }

    var isFull: Bool { bytes.count >= Self.fullByteCount }
    /// Whether it has no path.
    package var isEmpty: Bool { ends.isEmpty }

    /// An empty batch.
    package init() {}

    /// Adds a path with what is to be known of it.
    package mutating func append(_ path: UnsafeRawBufferPointer, _ tag: Tag) {
        bytes.append(contentsOf: path)
        ends.append(bytes.count)
        tags.append(tag)
    }

    /// Visits the paths in order and forgets them.
    package mutating func drain<Failure: Error>(
        _ body: (UnsafeRawBufferPointer, Tag) throws(Failure) -> Void
    ) throws(Failure) {
        try bytes.withUnsafeBufferPointer { (buffer) throws(Failure) in
            let all = UnsafeRawBufferPointer(buffer)
            var start = 0
            for (end, tag) in zip(ends, tags) {
                try body(UnsafeRawBufferPointer(rebasing: all[start..<end]), tag)
                start = end
            }
        }
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        tags.removeAll(keepingCapacity: true)
    }
}
