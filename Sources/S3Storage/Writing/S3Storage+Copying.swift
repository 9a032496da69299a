// SPDX-License-Identifier: Apache-2.0

public import ObjectStorage

extension S3Storage {
    /// Copies objects within the store, without their bytes coming by here.
    ///
    /// A copy is made of the version that was seen, and looked at before it is reported. Whether
    /// something is at the destination is looked up first, which keeps out nobody who writes there
    /// at the same time.
    public func copy(_ copies: [ObjectCopy]) async -> [CopyOutcome] {
        var outcomes = [CopyOutcome?](repeating: nil, count: copies.count)
        await each(Array(copies.indices)) {
            await copyOne(copies[$0])
        } done: {
            outcomes[$0] = $1
        }
        return zip(outcomes, copies).map { outcome, copy in
            outcome ?? .failed(.unavailable(copy.destination, reason: "it was not tried"))
        }
    }

    private func copyOne(_ copy: ObjectCopy) async -> CopyOutcome {
        do throws(StorageError) {
            return .copied(try await ServerSideCopy(self, copy).run())
        } catch {
            return .failed(error)
        }
    }
}

/// One object that the store copies by itself.
private struct ServerSideCopy {
    private let storage: S3Storage
    private let copy: ObjectCopy
    private let source: S3Address
    private let destination: S3Address

    private var client: S3Client { storage.client }

    /// How a call that was to end the copy failed, and how the copy is known if it is there.
    private struct Broken: Error {
        let failed: S3Client.Failed
        let mark: String?
    }

    init(_ storage: S3Storage, _ copy: ObjectCopy) throws(StorageError) {
        self.storage = storage
        self.copy = copy
        source = try S3Address.object(copy.source.location)
        destination = try S3Address.newObject(copy.destination)
    }

    func run() async throws(StorageError) -> ObjectInfo {
        let place = copy.source.location
        guard let now = try await storage.look(source, place)?.info else { throw .notFound(place) }
        if let difference = copy.source.difference(fromHead: now) {
            throw .unavailable(place, reason: difference)
        }
        guard let tag = now.entityTag else {
            throw .unsupported(place, reason: "the store gives it no entity tag to copy it by")
        }
        guard try await storage.look(destination, copy.destination) == nil else {
            throw .alreadyExists(copy.destination)
        }
        var broken: Broken?
        do throws(Broken) {
            if now.size <= client.settings.wholeCopyBytes {
                try await copyWhole(tag)
            } else {
                try await copyInParts(now.size, tag)
            }
        } catch {
            guard error.failed.mayHaveHappened else { throw refusal(error.failed) }
            broken = error
        }
        return try await verified(now, tag, broken)
    }

    /// The copy as it is found; after a lost answer only one that is surely ours.
    private func verified(
        _ now: ObjectInfo, _ tag: String, _ broken: Broken?
    ) async throws(StorageError) -> ObjectInfo {
        let found: S3Storage.Look?
        do throws(StorageError) {
            found = try await storage.look(destination, copy.destination)
        } catch {
            throw .outcomeUnknown(copy.destination, reason: "it could not be read back: \(error)")
        }
        guard let found, found.info.size == now.size else {
            let reason = broken?.failed.failure.reason ?? "what was read back is not the copy"
            throw .outcomeUnknown(copy.destination, reason: reason)
        }
        if let broken {
            let isOurs =
                broken.mark.map { $0 == found.mark } ?? (found.info.entityTag == tag)
            guard isOurs else { throw broken.failed.writeError(copy.destination) }
        }
        if found.info.entityTag != tag { try await confirmSource(now) }
        return found.info
    }

    /// A store that passes over `x-amz-copy-source-if-match` may have copied something else; a
    /// copy's own tag is no proof, since parts and keys of encryption change it.
    private func confirmSource(_ before: ObjectInfo) async throws(StorageError) {
        let place = copy.source.location
        let now = try await storage.look(source, place)?.info
        guard let now, before.difference(from: now) == nil else {
            for outcome in await storage.remove([copy.destination]) {
                if case .failed(let error) = outcome {
                    throw .outcomeUnknown(
                        copy.destination,
                        reason: "its source changed, and it could not be removed: \(error)")
                }
            }
            throw .unavailable(place, reason: "it changed while it was copied")
        }
    }

    private func refusal(_ failed: S3Client.Failed) -> StorageError {
        switch failed.failure.status {
        case 412:
            .unavailable(copy.source.location, reason: "it was written again since it was listed")
        case 404 where failed.failure.code != "NoSuchBucket": .notFound(copy.source.location)
        default: failed.storageError(copy.destination)
        }
    }

    private func copyWhole(_ tag: String) async throws(Broken) {
        do throws(S3Client.Failed) {
            try await client.call(.copy(source, tag: tag, to: destination)) {
                reply throws(CallFailure) in
                let bytes = try await reply.bytes(limit: S3Limits.errorBytes)
                _ = try XMLElement(reply: bytes, named: "CopyObjectResult")
            }
        } catch {
            throw Broken(failed: error, mark: nil)
        }
    }

    private func copyInParts(_ size: Int64, _ tag: String) async throws(Broken) {
        let upload = MultipartUpload(client: client, address: destination, mark: WriteMark.new())
        let id: String
        do throws(S3Client.Failed) { id = try await upload.start() } catch {
            // Whether an upload was begun or not, no object was written.
            throw Broken(failed: .init(failure: error.failure, mayHaveHappened: false), mark: nil)
        }
        var tags: [String] = []
        do throws(S3Client.Failed) {
            let length = client.settings.copiedPartBytes
            for start in stride(from: 0, to: size, by: Int64.Stride(length)) {
                let range = start..<min(start + Int64(length), size)
                tags.append(try await copyPart(tags.count + 1, of: id, range, tag))
            }
        } catch {
            await upload.abort(id)
            throw Broken(failed: .init(failure: error.failure, mayHaveHappened: false), mark: nil)
        }
        do throws(S3Client.Failed) {
            _ = try await upload.complete(id, tags: tags, ifAbsent: false)
        } catch {
            await upload.abort(id)
            throw Broken(failed: error, mark: upload.mark)
        }
    }

    private func copyPart(
        _ number: Int, of upload: String, _ range: Range<Int64>, _ tag: String
    ) async throws(S3Client.Failed) -> String {
        let request = S3Request.copyPart(
            source, tag: tag, range, to: destination, upload: upload, number: number)
        return try await client.call(request) { reply throws(CallFailure) in
            let bytes = try await reply.bytes(limit: S3Limits.errorBytes)
            let root = try XMLElement(reply: bytes, named: "CopyPartResult")
            guard let tag = root["ETag"]?.text, !tag.isEmpty else {
                throw .nonsense(reason: "the part has no ETag")
            }
            return tag
        }
    }
}

extension ObjectInfo {
    /// Like ``difference(from:)``, where listings have finer times than the answer to HEAD, which
    /// has whole seconds.
    fileprivate func difference(fromHead now: ObjectInfo) -> String? {
        guard let before = modifiedMilliseconds, let after = now.modifiedMilliseconds,
            before / 1000 == after / 1000
        else { return difference(from: now) }
        return difference(
            from: ObjectInfo(
                location: now.location, size: now.size, modifiedMilliseconds: before,
                entityTag: now.entityTag))
    }
}
