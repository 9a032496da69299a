// SPDX-License-Identifier: Apache-2.0

/// How a store is spoken to.
public struct S3Settings: Sendable {
    /// What `If-None-Match: *` is worth there.
    public enum ConditionalWrites: Hashable, Sendable {
        /// The store must refuse to replace an object. Amazon's does; another is put to the test
        /// once per bucket, and creation is refused where it fails.
        case proven
        /// The store may ignore the condition: we look first, which keeps out nobody who writes at
        /// the same time. For a store with a single writer.
        case lookFirst
    }

    /// Where the store answers.
    public var endpoint: S3Endpoint
    /// What requests are signed for.
    public var region: String
    /// What `If-None-Match: *` is worth there.
    public var conditionalWrites = ConditionalWrites.proven
    /// When and how often a call is tried again.
    public var retry = RetryPolicy()
    /// The length of a part of a multipart upload; larger objects are written in parts.
    public var partBytes = 8 << 20
    /// The most parts of one object that are under way, and so in memory.
    public var partsUnderWay = 3
    /// The largest object that is copied in one call; tests have less time for large ones.
    package var wholeCopyBytes = Int64(S3Limits.largestPartBytes)
    /// The length of a part of an object that is copied in parts.
    package var copiedPartBytes = S3Limits.copiedPartBytes
    /// How long until a connection stands.
    public var connectLimit = Duration.seconds(10)
    /// How long a server may be silent in the middle of a call.
    public var silenceLimit = Duration.seconds(60)
    /// How long a call may take until its answer begins.
    public var callLimit = Duration.seconds(600)
    /// The most connections to one host that are kept.
    public var connectionsPerHost = 16
    /// A file with the certificates to trust, in PEM, instead of the system's.
    public var trustedCertificates: String?
    /// Addresses for host names that no resolver knows.
    public var addressOverrides: [String: String] = [:]

    /// The usual settings for an endpoint and a region.
    public init(endpoint: S3Endpoint, region: String) {
        self.endpoint = endpoint
        self.region = region
    }

    /// The length of parts within what the API allows.
    var allowedPartBytes: Int {
        min(max(partBytes, S3Limits.smallestPartBytes), S3Limits.largestPartBytes)
    }
}
