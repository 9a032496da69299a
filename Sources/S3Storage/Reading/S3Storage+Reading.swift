// SPDX-License-Identifier: Apache-2.0

public import ObjectStorage

extension S3Storage {
    /// The whole object.
    public func read(_ location: Location, limit: Int) async throws(StorageError) -> [UInt8] {
        let address = try S3Address.object(location)
        do throws(S3Client.Failed) {
            return try await client.call(.get(address)) { reply throws(CallFailure) in
                try await reply.bytes(limit: limit)
            }
        } catch {
            if error.failure == .tooLarge { throw .tooLarge(location, limit: limit) }
            throw error.storageError(location)
        }
    }

    /// The bytes of a range.
    public func read(
        _ location: Location, range: Range<Int64>
    ) async throws(StorageError) -> [UInt8] {
        let address = try S3Address.object(location)
        guard range.lowerBound >= 0 else {
            throw .unsupported(location, reason: "a range cannot begin before the first byte")
        }
        guard !range.isEmpty else {
            // HTTP has no empty ranges; what is not there is still an error.
            guard try await look(address, location) != nil else { throw .notFound(location) }
            return []
        }
        let request = S3Request.get(address, from: range.lowerBound, to: range.upperBound)
        do throws(S3Client.Failed) {
            return try await client.call(request) { reply throws(CallFailure) in
                try await RangeReply(reply, asked: range).bytes()
            }
        } catch {
            // The object ends before the range begins.
            if error.failure.status == 416 { return [] }
            if error.failure == .tooLarge {
                throw .unsupported(
                    location, reason: "the store answers a read of a range with the whole object")
            }
            throw error.storageError(location)
        }
    }

    /// The object's bytes from a position on, in pieces as they arrive.
    ///
    /// A connection that breaks is resumed where it broke, at the same version of the object.
    public func bytes(of location: Location, from start: Int64 = 0) -> ObjectBytes {
        ObjectBytes(storage: self, location: location, start: start)
    }
}

/// The answer to a read of a range, which stores give in different ways.
///
/// - 206 with `Content-Range`: as it should be.
/// - 200 with `Content-Range`, or with the length of the range and no such header: a part all the
///   same (rclone).
/// - 200 otherwise: the whole object, which is refused if it is longer than the range.
struct RangeReply {
    private let reply: HTTPReply
    private let asked: Range<Int64>

    init(_ reply: HTTPReply, asked: Range<Int64>) {
        self.reply = reply
        self.asked = asked
    }

    func bytes() async throws(CallFailure) -> [UInt8] {
        if let range = reply.header("content-range") {
            let given = try Self.parse(range)
            // Less than was asked for is all only where the object ends.
            guard given.lowerBound == asked.lowerBound,
                given.upperBound == asked.upperBound
                    || given.upperBound < asked.upperBound
                        && given.upperBound == Self.parseSize(range)
            else {
                throw .nonsense(reason: "the store answered with another range: \(range)")
            }
            if let length = reply.contentLength, length != given.count {
                throw .broken(reason: "the answer announces \(length) of \(given.count) bytes")
            }
            let bytes = try await reply.bytes(limit: given.count)
            guard bytes.count == given.count else {
                throw .broken(reason: "the answer has \(bytes.count) of \(given.count) bytes")
            }
            return bytes
        }
        guard reply.status == 200, asked.lowerBound == 0, let length = reply.contentLength else {
            throw .nonsense(reason: "the store does not say which range it answered with")
        }
        guard length <= asked.count else { throw .tooLarge }
        return try await reply.bytes(limit: asked.count)
    }

    /// The size of the whole object, as `bytes 0-9/200` has it.
    static func parseSize(_ text: String) -> Int64? {
        text.split(whereSeparator: { " -/".contains($0) }).last.flatMap { Int64($0) }
    }

    /// `bytes 0-9/200`.
    static func parse(_ text: String) throws(CallFailure) -> Range<Int64> {
        let parts = text.split(whereSeparator: { " -/".contains($0) })
        guard parts.count == 4, parts[0].lowercased() == "bytes", let first = Int64(parts[1]),
            let last = Int64(parts[2]), first <= last, last < Int64.max
        else {
            throw .nonsense(reason: "the store names no range: \(text.prefix(60))")
        }
        return first..<(last + 1)
    }
}
