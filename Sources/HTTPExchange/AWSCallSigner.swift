// SPDX-License-Identifier: Apache-2.0

public import AWSSigning
import WireFormat

/// Signs calls to services of AWS, S3 excepted, with Signature Version 4.
public struct AWSCallSigner: Sendable {
    /// Where credentials come from, each time a call is signed.
    public typealias Credentials = @Sendable () async throws(SigningFailure) -> AWSCredentials

    private let region: String
    private let service: String
    private let credentials: Credentials
    private let now: @Sendable () -> Int64

    /// - Parameter now: the time in milliseconds since the epoch.
    public init(
        region: String, service: String, now: @escaping @Sendable () -> Int64,
        credentials: @escaping Credentials
    ) {
        self.region = region
        self.service = service
        self.now = now
        self.credentials = credentials
    }

    /// The headers to add to a call; with the hash of its body among them.
    public func headers(for call: HTTPCall) async throws(SigningFailure) -> [HTTPField] {
        guard let request = Self.request(call) else {
            throw .denied(reason: "a call to \(call) cannot be signed: its URL is not a plain one")
        }
        let signer = RequestSigner(
            credentials: try await credentials(), region: region, service: service,
            canonicalPath: .encodedAgain)
        let added = signer.headers(
            for: request, at: SigningTime(millisecondsSinceEpoch: now()))
        return [HTTPField(Self.hashHeader, request.payload.headerValue)]
            + added.map { HTTPField($0.name, $0.value) }
    }

    private static let hashHeader = "x-amz-content-sha256"

    /// What is signed of a call: everything, with the host as it will be sent.
    static func request(_ call: HTTPCall) -> SignableRequest? {
        guard let scheme = call.url.firstRange(of: "://") else { return nil }
        let rest = call.url[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let target = rest.dropFirst(authority.count)
        let path = target.prefix { $0 != "?" }
        guard !authority.isEmpty,
            let host = host(authority, scheme: call.url[..<scheme.lowerBound]),
            let query = query(target.dropFirst(path.count).dropFirst())
        else { return nil }
        let payload = PayloadHash(of: call.body)
        let headers =
            [SignableRequest.Field("host", host), .init(hashHeader, payload.headerValue)]
            + call.headers.map { SignableRequest.Field($0.name, $0.value) }
        return SignableRequest(
            method: call.method, path: path.isEmpty ? "/" : String(path), query: query,
            headers: headers, payload: payload)
    }

    /// A client leaves out the port that its scheme has anyway.
    private static func host(_ authority: Substring, scheme: Substring) -> String? {
        guard !authority.contains("@") else { return nil }
        let usual = scheme.lowercased() == "https" ? ":443" : ":80"
        return authority.hasSuffix(usual)
            ? String(authority.dropLast(usual.count)) : String(authority)
    }

    private static func query(_ text: Substring) -> [SignableRequest.Field]? {
        var fields: [SignableRequest.Field] = []
        for part in text.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentEncoding.decode(String(pair[0])),
                let value = PercentEncoding.decode(pair.count == 2 ? String(pair[1]) : "")
            else { return nil }
            fields.append(.init(name, value))
        }
        return fields
    }
}
