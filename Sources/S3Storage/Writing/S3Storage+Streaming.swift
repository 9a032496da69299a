// SPDX-License-Identifier: Apache-2.0

public import ObjectStorage

extension S3Storage {
    /// Writes an object as its bytes come, in memory bounded by
    /// ``S3Settings/partBytes`` × (``S3Settings/partsUnderWay`` + 1) and one chunk.
    ///
    /// Readers see all of it or nothing. When the source or an upload fails, or the task is
    /// cancelled, the parts are given back and nothing is written.
    @discardableResult
    public func write<Chunks: AsyncSequence & Sendable>(
        chunks: Chunks, to location: Location, condition: WriteCondition
    ) async throws(StorageError) -> ObjectInfo where Chunks.Element == [UInt8] {
        let address = try S3Address.newObject(location)
        let run = StreamedWrite(
            storage: self, address: address, location: location, condition: condition)
        return try await run.run(chunks)
    }
}

/// One object on its way to the store.
private struct StreamedWrite: Sendable {
    let storage: S3Storage
    let address: S3Address
    let location: Location
    let condition: WriteCondition
    let upload: MultipartUpload

    private typealias Part = (number: Int, tag: Result<String, S3Client.Failed>)

    init(storage: S3Storage, address: S3Address, location: Location, condition: WriteCondition) {
        self.storage = storage
        self.address = address
        self.location = location
        self.condition = condition
        upload = MultipartUpload(client: storage.client, address: address, mark: WriteMark.new())
    }

    func run<Chunks: AsyncSequence & Sendable>(
        _ chunks: Chunks
    ) async throws(StorageError) -> ObjectInfo where Chunks.Element == [UInt8] {
        let settings = storage.client.settings
        let outcome: Result<ObjectInfo, StorageError> = await withTaskGroup(of: Part.self) {
            group in
            var machine = MultipartMachine(
                partBytes: settings.allowedPartBytes,
                maximumUnderWay: max(1, settings.partsUnderWay))
            var id: String?
            do throws(StorageError) {
                return .success(try await drive(&machine, &id, chunks, &group))
            } catch {
                group.cancelAll()
                await group.waitForAll()
                if let id { await upload.abort(id) }
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    private func drive<Chunks: AsyncSequence & Sendable>(
        _ machine: inout MultipartMachine, _ id: inout String?, _ chunks: Chunks,
        _ group: inout TaskGroup<Part>
    ) async throws(StorageError) -> ObjectInfo where Chunks.Element == [UInt8] {
        var source = ChunkReader(chunks, of: location)
        while true {
            switch machine.next() {
            case .readMore:
                if let chunk = try await source.next() {
                    machine.received(chunk)
                } else {
                    machine.sourceEnded()
                }
            case .writeWhole(let bytes):
                return try await whole(bytes)
            case .start:
                id = try await start()
                machine.started()
            case .upload(let number, let bytes):
                let id = id ?? ""
                group.addTask { await part(number, of: id, bytes) }
            case .waitForPart:
                guard let part = await group.next() else { continue }
                machine.uploaded(part.number, tag: try tag(part))
            case .complete(let tags):
                return try await complete(id ?? "", tags, machine.totalBytes)
            case .refuse:
                let largest = storage.client.settings.allowedPartBytes * S3Limits.parts
                throw .tooLarge(location, limit: largest)
            }
        }
    }

    private func whole(_ bytes: [UInt8]) async throws(StorageError) -> ObjectInfo {
        switch condition {
        case .none: try await storage.replace(address, bytes, location)
        case .absent: try await storage.create(address, bytes, location)
        }
    }

    private func start() async throws(StorageError) -> String {
        if condition == .absent, storage.client.settings.conditionalWrites == .proven {
            try await storage.demand(.completion, near: address, location)
        }
        do throws(S3Client.Failed) { return try await upload.start() } catch {
            // Whether an upload was begun or not, no object was written.
            throw error.storageError(location)
        }
    }

    private func part(_ number: Int, of id: String, _ bytes: [UInt8]) async -> Part {
        do throws(S3Client.Failed) {
            return (number, .success(try await upload.part(number, of: id, bytes)))
        } catch {
            return (number, .failure(error))
        }
    }

    private func tag(_ part: Part) throws(StorageError) -> String {
        do throws(S3Client.Failed) { return try part.tag.get() } catch {
            guard error.failure.status == 404 else { throw error.storageError(location) }
            throw .unavailable(location, reason: "the upload is gone: \(error.failure.reason)")
        }
    }

    private func complete(
        _ id: String, _ tags: [String], _ size: Int64
    ) async throws(StorageError) -> ObjectInfo {
        let isConditional = condition == .absent
        let isProven = storage.client.settings.conditionalWrites == .proven
        if isConditional, !isProven, try await storage.look(address, location) != nil {
            throw .alreadyExists(location)
        }
        do throws(S3Client.Failed) {
            let tag = try await upload.complete(id, tags: tags, ifAbsent: isConditional && isProven)
            return storage.written(location, Int(size), tag)
        } catch {
            // No such upload: given up by the store, or ended by a first call that a proxy sent.
            let isResolvable = [404, 412].contains(error.failure.status)
            guard isResolvable || error.mayHaveHappened else { throw error.storageError(location) }
            return try await resolve(error, size)
        }
    }

    /// The object that is there tells by its mark; an unconditional write that finds another's
    /// object cannot know whether its own came before.
    private func resolve(
        _ failed: S3Client.Failed, _ size: Int64
    ) async throws(StorageError) -> ObjectInfo {
        do throws(StorageError) {
            // The tag of an object of parts is no digest of its bytes.
            return try await storage.resolve(
                failed, address, location, upload.mark, size, digest: { "" })
        } catch {
            if case .alreadyExists = error, condition == .none {
                throw .outcomeUnknown(location, reason: failed.failure.reason)
            }
            throw error
        }
    }
}
