// SPDX-License-Identifier: Apache-2.0

import Logging
import ObjectStorage

/// The calls of one multipart upload.
struct MultipartUpload: Sendable {
    let client: S3Client
    let address: S3Address
    /// Left in the object's metadata, by which it is known again.
    let mark: String

    /// The upload's id.
    func start() async throws(S3Client.Failed) -> String {
        try await client.call(.startUpload(address, mark: mark)) { reply throws(CallFailure) in
            let bytes = try await reply.bytes(limit: S3Limits.errorBytes)
            // rclone leaves the last word out.
            let root = try XMLElement(
                reply: bytes, named: "InitiateMultipartUploadResult", "InitiateMultipartUpload")
            guard let id = root["UploadId"]?.text, !id.isEmpty else {
                throw .nonsense(reason: "the upload has no id")
            }
            return id
        }
    }

    /// The part's tag.
    func part(
        _ number: Int, of upload: String, _ bytes: [UInt8]
    ) async throws(S3Client.Failed) -> String {
        let request = S3Request.uploadPart(address, upload: upload, number: number, bytes)
        return try await client.call(request) { reply throws(CallFailure) in
            guard let tag = reply.header("etag"), !tag.isEmpty else {
                throw .nonsense(reason: "the part has no ETag")
            }
            return tag
        }
    }

    /// The object's tag, where the store says it.
    func complete(
        _ upload: String, tags: [String], ifAbsent: Bool
    ) async throws(S3Client.Failed) -> String? {
        let request = S3Request.completeUpload(
            address, upload: upload, tags: tags, ifAbsent: ifAbsent)
        return try await client.call(request) { reply throws(CallFailure) in
            let bytes = try await reply.bytes(limit: S3Limits.errorBytes)
            let root = try XMLElement(reply: bytes, named: "CompleteMultipartUploadResult")
            return root["ETag"]?.text
        }
    }

    /// Frees the parts; what a store still keeps then is for its own rules of expiry.
    func abort(_ upload: String) async {
        // Unstructured, so that a cancelled task still cleans up behind itself; it is waited for.
        let task = Task {
            do throws(S3Client.Failed) {
                _ = try await client.call(.abortUpload(address, upload: upload)) {
                    _ throws(CallFailure) in
                }
            } catch {
                // Completed after all, or aborted by the store.
                if error.failure.status == 404 { return }
                client.logger.warning(
                    "a multipart upload stays behind",
                    metadata: [
                        "location": "\(address.location(ofKey: address.key))",
                        "upload": "\(upload)", "reason": "\(error.failure.reason)",
                    ])
            }
        }
        await task.value
    }

    /// Creates the object with one part, on the condition that there is none.
    func tryCondition() async throws(S3Client.Failed) {
        let id = try await start()
        do throws(S3Client.Failed) {
            let tag = try await part(1, of: id, [2])
            _ = try await complete(id, tags: [tag], ifAbsent: true)
        } catch {
            await abort(id)
            throw error
        }
    }
}
