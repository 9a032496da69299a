// SPDX-License-Identifier: Apache-2.0

public import Logging
public import ObjectStorage

/// Objects in a store that speaks the S3 API.
///
/// Serves `s3`, `s3a` and `s3n` locations. Nothing is kept between calls but connections,
/// credentials, and what each bucket was found to make of `If-None-Match`. Cancelling a task ends
/// its calls; what a cancelled write did is unknown.
public struct S3Storage: ObjectStorage {
    /// The schemes that it serves, in lower case.
    public static let schemes = S3Address.schemes

    let client: S3Client
    let conditions: ConditionProof

    /// A store at an endpoint, with credentials for it.
    public init(
        _ settings: S3Settings, credentials: CredentialsCache,
        logger: Logger = Logger(label: "icepack.s3")
    ) {
        self.init(settings, credentials: credentials, logger: logger, now: systemMilliseconds)
    }

    /// With a clock, in milliseconds since the epoch.
    package init(
        _ settings: S3Settings, credentials: CredentialsCache, logger: Logger,
        now: @escaping @Sendable () -> Int64
    ) {
        client = S3Client(settings, credentials: credentials, logger: logger, now: now)
        conditions = ConditionProof(client: client)
    }

    /// What is known of an object, or nil.
    public func stat(_ location: Location) async throws(StorageError) -> ObjectInfo? {
        let address = try S3Address.object(location)
        return try await look(address, location)?.info
    }

    /// Whether creations exclude each other there; a store that is not Amazon's is put to the test,
    /// with an object beside the location that is removed again.
    public func exclusiveCreation(
        at location: Location
    ) async throws(StorageError) -> ExclusiveCreation {
        let address = try S3Address(location)
        if client.settings.conditionalWrites == .lookFirst {
            return .unproven(reason: "the store is set up as one that ignores If-None-Match")
        }
        return try await conditions.holds(.put, near: address, location)
            ? .guaranteed : .unproven(reason: ConditionProof.ignored)
    }

    /// What HEAD says of an object.
    struct Look: Sendable {
        let info: ObjectInfo
        /// The mark that a write of ours left.
        let mark: String?
    }

    func look(_ address: S3Address, _ location: Location) async throws(StorageError) -> Look? {
        do throws(S3Client.Failed) {
            return try await client.call(.head(address)) { reply throws(CallFailure) in
                guard let size = reply.contentLength, size >= 0 else {
                    throw .nonsense(reason: "the answer does not say how long the object is")
                }
                let info = ObjectInfo(
                    location: location, size: size,
                    modifiedMilliseconds: reply.header("last-modified")
                        .flatMap(HTTPDate.milliseconds),
                    entityTag: reply.header("etag"))
                return Look(info: info, mark: reply.header(S3Request.markHeader))
            }
        } catch {
            if error.failure.status == 404 { return nil }
            throw error.storageError(location)
        }
    }
}

extension S3Storage: CustomReflectable {
    /// Shows where the store is: what is behind that changes while it is looked at, and secrets are
    /// not to be shown.
    public var customMirror: Mirror {
        Mirror(self, children: ["endpoint": client.settings.endpoint.description])
    }
}
