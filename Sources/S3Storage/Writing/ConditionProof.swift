// SPDX-License-Identifier: Apache-2.0

import Logging
import ObjectStorage
import Synchronization

/// Whether a store keeps to `If-None-Match: *`, found out by trying and remembered by bucket.
///
/// A store that ignores the header replaces what it should not and says all is well, so that two
/// writers each believe that theirs is the one (P-52). Amazon documents that it does not.
final class ConditionProof: Sendable {
    /// The calls that take the condition; some stores keep to it with one of them alone.
    enum Call: Hashable, Sendable {
        case put
        case completion
    }

    /// What is said of a store that failed.
    static let ignored =
        "the store ignores If-None-Match, so creation does not exclude other writers; "
        + "ICEPACK_S3_CONDITIONAL_WRITES=look-first creates all the same, after looking"
    /// The beginning of the last part of the keys that are tried; the objects are removed again.
    static let probePrefix = ".icepack-probe-"

    private struct Question: Hashable {
        let bucket: String
        let call: Call
    }

    private let client: S3Client
    private let answers = Mutex<[Question: Bool]>([:])

    init(client: S3Client) { self.client = client }

    func holds(
        _ call: Call, near address: S3Address, _ location: Location
    ) async throws(StorageError) -> Bool {
        if client.settings.endpoint.isAmazon { return true }
        let question = Question(bucket: address.bucket, call: call)
        if let answer = answers.withLock({ $0[question] }) { return answer }
        let answer = try await ask(call, address, location)
        answers.withLock { $0[question] = answer }
        return answer
    }

    /// Creates what is there already, under a name of its own.
    private func ask(
        _ call: Call, _ address: S3Address, _ location: Location
    ) async throws(StorageError) -> Bool {
        let folder =
            address.key.utf8.lastIndex(of: UInt8(ascii: "/"))
            .map { String(Substring(address.key.utf8[...$0])) } ?? ""
        let mark = WriteMark.new()
        let place = address.location(ofKey: folder + Self.probePrefix + mark)
        let probe = try S3Address.newObject(place)
        let outcome: Result<Bool, StorageError>
        do throws(S3Client.Failed) {
            _ = try await client.call(.put(probe, [1])) { _ throws(CallFailure) in }
            do throws(S3Client.Failed) {
                try await create(probe, call, mark)
                outcome = .success(false)
            } catch {
                switch error.failure.status {
                case 412: outcome = .success(true)
                // Some stores refuse the header as such.
                case 501, 400: outcome = .success(false)
                default: outcome = .failure(error.storageError(location))
                }
            }
        } catch {
            outcome = .failure(error.storageError(location))
        }
        await remove(probe, place)
        return try outcome.get()
    }

    private func create(
        _ probe: S3Address, _ call: Call, _ mark: String
    ) async throws(S3Client.Failed) {
        switch call {
        case .put:
            _ = try await client.call(.create(probe, [2], mark: mark)) { _ throws(CallFailure) in }
        case .completion:
            let upload = MultipartUpload(client: client, address: probe, mark: mark)
            try await upload.tryCondition()
        }
    }

    private func remove(_ probe: S3Address, _ place: Location) async {
        do throws(S3Client.Failed) {
            _ = try await client.call(.delete(probe)) { _ throws(CallFailure) in }
        } catch {
            client.logger.warning(
                "a probe of the store's conditions stays behind",
                metadata: ["location": "\(place)", "reason": "\(error.failure.reason)"])
        }
    }
}

/// The marks by which a write knows its own object again.
enum WriteMark {
    /// 128 random bits.
    static func new() -> String {
        var random = SystemRandomNumberGenerator()
        return (0..<2).map { _ in
            let digits = String(random.next(), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
