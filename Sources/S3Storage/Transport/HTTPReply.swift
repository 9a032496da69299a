// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import HTTPExchange
import NIOCore
import NIOHTTP1

/// The head of an answer, and its body still to come.
struct HTTPReply: Sendable {
    let status: Int
    private let headers: HTTPHeaders
    private let body: HTTPClientResponse.Body
    private let isHead: Bool

    init(_ response: HTTPClientResponse, isHead: Bool) {
        status = Int(response.status.code)
        headers = response.headers
        body = response.body
        self.isHead = isHead
    }

    /// The first value of a header.
    func header(_ name: String) -> String? { headers.first(name: name) }

    /// The length that the server announces: of the body, or to HEAD of the object.
    var contentLength: Int64? { header("content-length").flatMap(Int64.init) }

    /// The body's pieces, in order.
    func pieces() -> Pieces {
        Pieces(
            body.makeAsyncIterator(), expected: isHead ? nil : contentLength,
            hasKnownEnd: isHead || contentLength != nil || isChunked)
    }

    private var isChunked: Bool {
        headers[canonicalForm: "transfer-encoding"].contains { $0.lowercased() == "chunked" }
    }

    /// The whole body.
    ///
    /// - Throws: ``CallFailure/tooLarge`` before holding more than the limit;
    ///   ``CallFailure/broken`` when it is not as long as announced.
    func bytes(limit: Int) async throws(CallFailure) -> [UInt8] {
        if let contentLength, !isHead, contentLength > limit { throw .tooLarge }
        var bytes: [UInt8] = []
        if let contentLength, !isHead { bytes.reserveCapacity(max(0, Int(contentLength))) }
        var pieces = pieces()
        while let piece = try await pieces.next() {
            guard bytes.count + piece.readableBytes <= limit else { throw .tooLarge }
            bytes.append(contentsOf: piece.readableBytesView)
        }
        return bytes
    }

    /// A body as it arrives, checked against the announced length.
    ///
    /// One that ends with its connection is refused: nobody can tell its end from a break.
    struct Pieces {
        private var iterator: HTTPClientResponse.Body.AsyncIterator
        private let expected: Int64?
        private let hasKnownEnd: Bool
        private var received: Int64 = 0

        init(
            _ iterator: HTTPClientResponse.Body.AsyncIterator, expected: Int64?, hasKnownEnd: Bool
        ) {
            self.iterator = iterator
            self.expected = expected
            self.hasKnownEnd = hasKnownEnd
        }

        mutating func next() async throws(CallFailure) -> ByteBuffer? {
            let piece: ByteBuffer?
            do { piece = try await iterator.next(isolation: #isolation) } catch {
                throw CallFailure(HTTPFailure(bodyError: error))
            }
            guard let piece else {
                guard hasKnownEnd else {
                    throw .nonsense(reason: "the answer does not say where it ends")
                }
                guard let expected, received != expected else { return nil }
                throw .broken(reason: "the answer ended after \(received) of \(expected) bytes")
            }
            received += Int64(piece.readableBytes)
            return piece
        }
    }
}
