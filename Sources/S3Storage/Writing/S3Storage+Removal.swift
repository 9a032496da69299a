// SPDX-License-Identifier: Apache-2.0

public import ObjectStorage

extension S3Storage {
    /// Removes objects, up to ``S3Limits/removalsPerCall`` with each call.
    ///
    /// Each has its own outcome; one of which the server says nothing counts as failed. S3 does not
    /// tell what was there from what was not.
    public func remove(_ locations: [Location]) async -> [RemovalOutcome] {
        var outcomes = [RemovalOutcome?](repeating: nil, count: locations.count)
        var batches: [[Removal]] = []
        var open: [String: [Removal]] = [:]
        for (index, location) in locations.enumerated() {
            do throws(StorageError) {
                let address = try S3Address.object(location)
                open[address.bucket, default: []].append(Removal(index, location, address))
                if let full = open[address.bucket], full.count == S3Limits.removalsPerCall {
                    batches.append(full)
                    open[address.bucket] = nil
                }
            } catch {
                outcomes[index] = .failed(error)
            }
        }
        batches += open.values
        await each(batches) {
            await removeBatch($0)
        } done: { batch, results in
            for (removal, outcome) in zip(batch, results) { outcomes[removal.index] = outcome }
        }
        return zip(outcomes, locations).map { outcome, location in
            outcome ?? .failed(.unavailable(location, reason: "it was not tried"))
        }
    }

    /// One object to be removed, and where its outcome goes.
    private struct Removal: Sendable {
        let index: Int
        let location: Location
        let address: S3Address

        init(_ index: Int, _ location: Location, _ address: S3Address) {
            self.index = index
            self.location = location
            self.address = address
        }
    }

    /// Runs work on each item, few at a time.
    func each<Item: Sendable, Value: Sendable>(
        _ items: [Item], _ work: @escaping @Sendable (Item) async -> Value,
        done: (Item, Value) -> Void
    ) async {
        await withTaskGroup(of: (Item, Value).self) { group in
            for (index, item) in items.enumerated() {
                if index >= S3Limits.callsUnderWay, let (item, value) = await group.next() {
                    done(item, value)
                }
                group.addTask { (item, await work(item)) }
            }
            for await (item, value) in group { done(item, value) }
        }
    }

    /// In the order of the batch.
    private func removeBatch(_ batch: [Removal]) async -> [RemovalOutcome] {
        guard let bucket = batch.first?.address.bucket else { return [] }
        var outcomes = [RemovalOutcome?](repeating: nil, count: batch.count)
        var pending = Array(batch.indices)
        var random = SystemRandomNumberGenerator()
        var machine = RetryMachine(policy: client.settings.retry, repeatability: .repeatable)
        while !pending.isEmpty {
            let keys = pending.map { batch[$0].address.key }
            guard let request = S3Request.deleteMany(bucket: bucket, keys: keys) else {
                return await removeSingly(batch)
            }
            let report: RemovalReport
            do throws(S3Client.Failed) {
                report = try await client.call(request) { reply throws(CallFailure) in
                    try RemovalReport(parsing: try await reply.bytes(limit: S3Limits.replyBytes))
                }
            } catch {
                if Self.isWithoutBulkRemoval(error.failure) { return await removeSingly(batch) }
                for index in pending {
                    outcomes[index] = .failed(error.storageError(batch[index].location))
                }
                break
            }
            var worst: CallFailure?
            pending = pending.filter { index in
                let result = outcome(of: batch[index], in: report)
                outcomes[index] = result.outcome
                worst = worst ?? result.passing
                return result.passing != nil
            }
            guard let worst, case .tryAgain(let delay) = machine.failed(worst, using: &random)
            else { break }
            do { try await ContinuousClock().sleep(for: delay) } catch { break }
        }
        return zip(outcomes, batch).map { outcome, removal in
            outcome ?? .failed(.unavailable(removal.location, reason: "it was not tried"))
        }
    }

    /// What a report says of one key, and its failure if trying again may help.
    private func outcome(
        of removal: Removal, in report: RemovalReport
    ) -> (outcome: RemovalOutcome, passing: CallFailure?) {
        let key = Array(removal.address.key.utf8)
        if let refusal = report.failed[key] {
            if refusal.status == 404 { return (.alreadyGone, nil) }
            let failure = CallFailure.refused(refusal)
            return (
                .failed(failure.storageError(removal.location)), failure.isPassing ? failure : nil
            )
        }
        if report.removed.contains(key) { return (.removed, nil) }
        let reason = "the store gave no outcome for it"
        return (
            .failed(.unavailable(removal.location, reason: reason)), .nonsense(reason: reason)
        )
    }

    private static func isWithoutBulkRemoval(_ failure: CallFailure) -> Bool {
        failure.status == 501 || failure.status == 405 || failure.code == "NotImplemented"
            || failure.code == "MethodNotAllowed"
    }

    /// For keys that XML cannot carry, and stores without bulk removal.
    private func removeSingly(_ batch: [Removal]) async -> [RemovalOutcome] {
        var outcomes = [RemovalOutcome?](repeating: nil, count: batch.count)
        await each(Array(batch.indices)) {
            await removeOne(batch[$0])
        } done: {
            outcomes[$0] = $1
        }
        return zip(outcomes, batch).map { outcome, removal in
            outcome ?? .failed(.unavailable(removal.location, reason: "it was not tried"))
        }
    }

    private func removeOne(_ removal: Removal) async -> RemovalOutcome {
        do throws(S3Client.Failed) {
            _ = try await client.call(.delete(removal.address)) { _ throws(CallFailure) in }
            return .removed
        } catch {
            if error.failure.status == 404, error.failure.code != "NoSuchBucket" {
                return .alreadyGone
            }
            return .failed(error.storageError(removal.location))
        }
    }
}
