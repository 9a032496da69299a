// SPDX-License-Identifier: Apache-2.0

import NIOCore
public import ObjectStorage

/// An object's bytes as they arrive, a piece at a time, and no more of them in memory.
public struct ObjectBytes: AsyncSequence, Sendable {
    /// Never empty.
    public typealias Element = [UInt8]
    /// What the port throws.
    public typealias Failure = StorageError

    let storage: S3Storage
    let location: Location
    let start: Int64

    /// Begins to read when first asked.
    public func makeAsyncIterator() -> Iterator {
        Iterator(storage: storage, location: location, position: start)
    }

    /// Reads once through the object.
    public struct Iterator: AsyncIteratorProtocol {
        private let storage: S3Storage
        private let location: Location
        private let start: Int64
        /// Of the next byte.
        private var position: Int64
        private var entityTag: String?
        private var pieces: HTTPReply.Pieces?
        private var isAtEnd = false
        private var breaks: RetryMachine

        init(storage: S3Storage, location: Location, position: Int64) {
            self.storage = storage
            self.location = location
            start = position
            self.position = position
            breaks = Self.breaks(storage)
        }

        private static func breaks(_ storage: S3Storage) -> RetryMachine {
            RetryMachine(policy: storage.client.settings.retry, repeatability: .repeatable)
        }

        /// The next piece; nil at the end.
        public mutating func next() async throws(StorageError) -> [UInt8]? {
            try await next(isolation: nil)
        }

        /// The next piece; nil at the end.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(StorageError) -> [UInt8]? {
            while !isAtEnd {
                do throws(CallFailure) {
                    if pieces == nil { try await open() }
                    guard !isAtEnd else { break }
                    guard let piece = try await pieces?.next() else {
                        isAtEnd = true
                        break
                    }
                    guard piece.readableBytes > 0 else { continue }
                    position += Int64(piece.readableBytes)
                    // Progress: the tries are for one break each.
                    breaks = Self.breaks(storage)
                    return Array(piece.readableBytesView)
                } catch {
                    try await recover(from: error)
                }
            }
            return nil
        }

        private mutating func recover(from failure: CallFailure) async throws(StorageError) {
            pieces = nil
            // Without a tag the rest might be of another version.
            guard case .broken = failure, position == start || entityTag != nil else {
                throw error(failure)
            }
            var random = SystemRandomNumberGenerator()
            guard case .tryAgain(let delay) = breaks.failed(failure, using: &random) else {
                throw error(failure)
            }
            do { try await ContinuousClock().sleep(for: delay) } catch {
                throw .unavailable(location, reason: "the task was cancelled")
            }
        }

        private func error(_ failure: CallFailure) -> StorageError {
            failure.status == 412
                ? .unavailable(location, reason: "it was replaced while it was read")
                : failure.storageError(location)
        }

        /// Asks for the rest; each time of the version that was begun with.
        private mutating func open() async throws(CallFailure) {
            let address: S3Address
            do throws(StorageError) { address = try S3Address.object(location) } catch {
                throw .refused(.init(status: 400, code: "", message: "\(error)"))
            }
            let request =
                position == 0
                ? S3Request.get(address)
                : S3Request.get(address, from: position, to: nil, entityTag: entityTag)
            let from = position
            do throws(S3Client.Failed) {
                let reply = try await storage.client.call(request) { reply throws(CallFailure) in
                    try Self.check(reply, from: from)
                    return reply
                }
                entityTag = entityTag ?? reply.header("etag")
                pieces = reply.pieces()
            } catch {
                guard error.failure.status == 416 else { throw error.failure }
                isAtEnd = true
            }
        }

        private static func check(_ reply: HTTPReply, from start: Int64) throws(CallFailure) {
            guard start > 0 else { return }
            guard let range = reply.header("content-range"),
                try RangeReply.parse(range).lowerBound == start
            else {
                throw .refused(
                    .init(status: 501, code: "", message: "the store does not read from a position")
                )
            }
        }
    }
}
