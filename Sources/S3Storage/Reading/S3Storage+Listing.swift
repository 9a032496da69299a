// SPDX-License-Identifier: Apache-2.0

public import ObjectStorage
import Synchronization

extension S3Storage {
    /// Every object under a prefix, a page at a time; what is not asked for is not fetched.
    ///
    /// Keys that end in a slash are objects like any other here.
    public func list(_ prefix: Location) -> AsyncThrowingStream<ObjectInfo, any Error> {
        let cursor: ListCursor
        do throws(StorageError) {
            cursor = ListCursor(
                client: client, address: try S3Address(prefix), location: prefix, delimiter: nil)
        } catch {
            let refusal = error
            return AsyncThrowingStream { $0.finish(throwing: refusal) }
        }
        return AsyncThrowingStream { () async throws in
            while true {
                if let info = cursor.takeBuffered() { return info }
                guard try await cursor.nextPage() != nil else { return nil }
            }
        }
    }

    /// What lies directly under a prefix.
    public func children(of prefix: Location) async throws(StorageError) -> [StorageChild] {
        let address = try S3Address(prefix)
        let cursor = ListCursor(client: client, address: address, location: prefix, delimiter: "/")
        var children: [StorageChild] = []
        while let page = try await cursor.nextPage() {
            while let info = cursor.takeBuffered() {
                // The marker of the folder itself, as some tools make.
                if !info.location.lastComponent.isEmpty { children.append(.object(info)) }
            }
            for key in page.prefixes {
                children.append(.prefix(address.location(ofKey: Self.withoutSlash(key))))
            }
        }
        return children
    }

    /// Without its last slash, unless another stands before it: `a//` is not `a/`, which would be
    /// read as `a`.
    static func withoutSlash(_ prefix: String) -> String {
        prefix.utf8.reversed().starts(with: "//".utf8)
            ? prefix : String(Substring(prefix.utf8.dropLast()))
    }
}

/// The pages of a listing and the objects on them that nobody took yet.
final class ListCursor: Sendable {
    private struct State {
        /// In reverse, so that the next is the last.
        var buffered: [ObjectInfo] = []
        var token: String?
        var isAtEnd = false
    }

    private let client: S3Client
    private let address: S3Address
    private let location: Location
    private let delimiter: String?
    private let state = Mutex(State())

    init(client: S3Client, address: S3Address, location: Location, delimiter: String?) {
        self.client = client
        self.address = address
        self.location = location
        self.delimiter = delimiter
    }

    func takeBuffered() -> ObjectInfo? { state.withLock { $0.buffered.popLast() } }

    /// Fetches the next page and buffers its objects; nil after the last.
    func nextPage() async throws(StorageError) -> ListPage? {
        let (token, isAtEnd) = state.withLock { ($0.token, $0.isAtEnd) }
        guard !isAtEnd else { return nil }
        let request = S3Request.list(
            bucket: address.bucket, prefix: address.keyPrefix, delimiter: delimiter, token: token,
            pageSize: S3Limits.keysPerPage)
        do throws(S3Client.Failed) {
            let page = try await client.call(request) { reply throws(CallFailure) in
                let page = try ListPage(parsing: try await reply.bytes(limit: S3Limits.replyBytes))
                try self.check(page, after: token)
                return page
            }
            let infos = page.entries.reversed().map { entry in
                ObjectInfo(
                    location: address.location(ofKey: entry.key), size: entry.size,
                    modifiedMilliseconds: entry.modifiedMilliseconds, entityTag: entry.entityTag)
            }
            state.withLock { state in
                state.buffered = infos
                state.token = page.nextToken
                state.isAtEnd = page.nextToken == nil
            }
            return page
        } catch {
            // A bucket that is not there must not look like an empty one (P-13).
            if error.failure.status == 404 {
                throw .denied(location, reason: "there is no bucket \(address.bucket)")
            }
            throw error.storageError(location)
        }
    }

    /// What was not asked for is not believed: it might be removed for it.
    private func check(_ page: ListPage, after token: String?) throws(CallFailure) {
        let prefix = address.keyPrefix.utf8
        let keys = page.entries.lazy.map(\.key)
        guard keys.allSatisfy({ $0.utf8.starts(with: prefix) }),
            page.prefixes.allSatisfy({
                $0.utf8.starts(with: prefix) && $0.utf8.count > prefix.count
                    && $0.utf8.last == UInt8(ascii: "/")
            })
        else { throw .nonsense(reason: "the listing has keys outside its prefix") }
        guard page.nextToken == nil || page.nextToken != token else {
            throw .nonsense(reason: "the listing does not advance")
        }
    }
}
