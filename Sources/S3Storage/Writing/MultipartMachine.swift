// SPDX-License-Identifier: Apache-2.0

/// Decides, for an object that arrives in chunks, what is uploaded next.
///
/// It sends nothing and knows no store: `S3Storage` feeds it what happened and carries out what it
/// returns. What is buffered is at most one part and one chunk; an object that fits in one part is
/// written whole.
struct MultipartMachine: Sendable {
    enum Action: Hashable, Sendable {
        /// Give it the next chunk, or say that there is none.
        case readMore
        /// The object is small: one call.
        case writeWhole([UInt8])
        /// Begin an upload.
        case start
        /// Upload a part; it does not have to end before the next action.
        case upload(number: Int, bytes: [UInt8])
        /// Nothing else can be done before a part has ended.
        case waitForPart
        /// All parts are there; their tags in order.
        case complete(tags: [String])
        /// The object has more parts than an upload may.
        case refuse
    }

    private let partBytes: Int
    private let maximumUnderWay: Int
    private let maximumParts: Int
    /// What waits to be uploaded: full parts, and last the one that chunks still go into.
    private var waiting: [[UInt8]] = []
    private var hasEnded = false
    private var isStarted = false
    private var parts = 0
    private var tags: [Int: String] = [:]
    /// Of all chunks so far.
    private(set) var totalBytes: Int64 = 0

    init(partBytes: Int, maximumUnderWay: Int, maximumParts: Int = S3Limits.parts) {
        precondition(partBytes > 0 && maximumUnderWay > 0, "a part has bytes, and one is under way")
        self.partBytes = partBytes
        self.maximumUnderWay = maximumUnderWay
        self.maximumParts = maximumParts
    }

    mutating func next() -> Action {
        // More than a part: what follows the last full one must not be nothing.
        if waiting.count > 1 || (hasEnded && isStarted && !waiting.isEmpty) {
            guard isStarted else { return .start }
            guard parts < maximumParts else { return .refuse }
            guard parts - tags.count < maximumUnderWay else { return .waitForPart }
            parts += 1
            return .upload(number: parts, bytes: waiting.removeFirst())
        }
        guard hasEnded else { return .readMore }
        guard isStarted else { return .writeWhole(waiting.popLast() ?? []) }
        guard tags.count == parts else { return .waitForPart }
        return .complete(tags: (1...parts).compactMap { tags[$0] })
    }

    mutating func received(_ chunk: [UInt8]) {
        totalBytes += Int64(chunk.count)
        var rest = chunk[...]
        while !rest.isEmpty {
            if waiting.last.map({ $0.count == partBytes }) ?? true {
                // One that fits is kept as it is.
                if chunk.count <= partBytes, rest.count == chunk.count {
                    waiting.append(chunk)
                    return
                }
                waiting.append([])
            }
            // All of a part at once: an array that grows is copied again and again.
            waiting[waiting.count - 1].reserveCapacity(partBytes)
            let room = partBytes - waiting[waiting.count - 1].count
            waiting[waiting.count - 1] += rest.prefix(room)
            rest = rest.dropFirst(room)
        }
    }

    mutating func sourceEnded() { hasEnded = true }

    mutating func started() { isStarted = true }

    mutating func uploaded(_ number: Int, tag: String) { tags[number] = tag }
}
