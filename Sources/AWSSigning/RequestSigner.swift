// SPDX-License-Identifier: Apache-2.0

import Digests
import FoundationEssentials

/// Signs requests with AWS Signature Version 4.
///
/// A pure function of its parts, the request and the time: it holds no clock and sends nothing.
public struct RequestSigner: Sendable {
    /// Whose signature it is.
    public let credentials: AWSCredentials
    /// `us-east-1`.
    public let region: String
    /// `s3`, `sts`, `glue`.
    public let service: String
    /// How the service makes the canonical path.
    public let canonicalPath: CanonicalPath

    /// The most seconds that a presigned URL may be good for: a week.
    public static let maximumPresignedSeconds = 604_800

    private static let algorithm = "AWS4-HMAC-SHA256"

    /// Takes every part.
    public init(
        credentials: AWSCredentials, region: String, service: String, canonicalPath: CanonicalPath
    ) {
        self.credentials = credentials
        self.region = region
        self.service = service
        self.canonicalPath = canonicalPath
    }

    /// The headers to send beside those of the request: `x-amz-date`, `x-amz-security-token` for
    /// temporary keys, and `Authorization`.
    ///
    /// S3 also wants `x-amz-content-sha256`, which the request brings itself.
    public func headers(
        for request: SignableRequest, at time: SigningTime
    ) -> [SignableRequest.Field] {
        var added = [SignableRequest.Field("x-amz-date", time.description)]
        if let token = credentials.sessionToken {
            added.append(.init("x-amz-security-token", token))
        }
        let canonical = CanonicalRequest(request.adding(headers: added), path: canonicalPath)
        let authorization =
            "\(Self.algorithm) Credential=\(credentials.accessKeyID)/\(scope(time)), "
            + "SignedHeaders=\(canonical.signedHeaders), "
            + "Signature=\(signature(canonical, at: time))"
        return added + [.init("Authorization", authorization)]
    }

    /// The whole query of a presigned URL; whoever has it can send the request until it ends.
    ///
    /// - Precondition: It is good for 1 to ``maximumPresignedSeconds`` seconds.
    public func presignedQuery(
        for request: SignableRequest, at time: SigningTime, seconds: Int
    ) -> [SignableRequest.Field] {
        precondition(
            (1...Self.maximumPresignedSeconds).contains(seconds),
            "a presigned URL is good for one second to a week")
        let names = CanonicalRequest(request, path: canonicalPath).signedHeaders
        var added: [SignableRequest.Field] = [
            .init("X-Amz-Algorithm", Self.algorithm),
            .init("X-Amz-Credential", "\(credentials.accessKeyID)/\(scope(time))"),
            .init("X-Amz-Date", time.description),
            .init("X-Amz-Expires", String(seconds)),
            .init("X-Amz-SignedHeaders", names),
        ]
        if let token = credentials.sessionToken {
            added.append(.init("X-Amz-Security-Token", token))
        }
        let canonical = CanonicalRequest(request.adding(query: added), path: canonicalPath)
        return request.query + added
            + [.init("X-Amz-Signature", signature(canonical, at: time))]
    }

    private func scope(_ time: SigningTime) -> String {
        "\(time.day)/\(region)/\(service)/aws4_request"
    }

    private func signature(_ canonical: CanonicalRequest, at time: SigningTime) -> String {
        let digest = Hexadecimal.text(MessageDigest.sha256.hash(Array(canonical.text.utf8)))
        let text = [Self.algorithm, time.description, scope(time), digest].joined(separator: "\n")
        return Hexadecimal.text(Self.mac(text, key(time)))
    }

    /// Good for one day, region and service.
    private func key(_ time: SigningTime) -> [UInt8] {
        let secret = Array("AWS4\(credentials.secretAccessKey)".utf8)
        return [time.day, region, service, "aws4_request"].reduce(secret) { key, part in
            Self.mac(part, key)
        }
    }

    private static func mac(_ text: String, _ key: [UInt8]) -> [UInt8] {
        MessageDigest.sha256.authenticationCode(of: Array(text.utf8), key: key)
    }
}

extension SignableRequest {
    /// The query as it is sent: encoded, sorted, without its question mark.
    public var encodedQuery: String { CanonicalRequest.query(query) }
}
