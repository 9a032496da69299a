// SPDX-License-Identifier: Apache-2.0

import AWSSigning
import HTTPExchange
import WireFormat

/// Fetches the small answers of the services that lend credentials.
struct CredentialsHTTP: Sendable {
    /// The longest answer that is read.
    static let replyBytes = 64 << 10
    /// How long a service on this machine or next to it may take.
    static let localLimit = Duration.seconds(2)
    /// How long STS may take.
    static let remoteLimit = Duration.seconds(15)

    private let transport: HTTPTransport
    private let retry: RetryPolicy

    init(retry: RetryPolicy, trustedCertificates: String?) {
        var settings = S3Settings(endpoint: S3Endpoint(region: "us-east-1"), region: "us-east-1")
        settings.connectLimit = .seconds(2)
        settings.silenceLimit = Self.remoteLimit
        settings.trustedCertificates = trustedCertificates
        transport = HTTPTransport(settings)
        self.retry = retry
    }

    /// The body of a successful answer.
    func fetch(_ call: HTTPCall, limit: Duration) async throws(CallFailure) -> [UInt8] {
        var machine = RetryMachine(policy: retry, repeatability: .repeatable)
        while true {
            do throws(CallFailure) { return try await once(call, limit) } catch {
                var random = SystemRandomNumberGenerator()
                switch machine.failed(error, using: &random) {
                case .giveUp: throw error
                case .tryAgain(let delay):
                    do { try await ContinuousClock().sleep(for: delay) } catch { throw .cancelled }
                }
            }
        }
    }

    private func once(
        _ call: HTTPCall, _ limit: Duration
    ) async throws(CallFailure) -> [UInt8] {
        let reply = try await transport.send(call, limit: limit)
        let body = try await reply.bytes(limit: Self.replyBytes)
        guard (200..<300).contains(reply.status) else {
            throw .refused(
                .init(
                    status: reply.status, body: body, retryAfter: reply.header("retry-after"),
                    region: nil))
        }
        return body
    }

    /// What container and instance services answer with.
    static func credentials(
        json bytes: [UInt8], from name: String
    ) throws(CallFailure) -> AWSCredentials {
        let value: JSONValue
        do throws(JSONSyntaxError) { value = try JSONValue(parsing: bytes) } catch {
            throw .noCredentials(.unavailable(reason: "\(name) answered with no JSON"))
        }
        let object = value.objectValue
        if let code = object?["Code"]?.stringValue, code != "Success" {
            throw .noCredentials(.unavailable(reason: "\(name) answered \(code.prefix(80))"))
        }
        guard let id = object?["AccessKeyId"]?.stringValue,
            let secret = object?["SecretAccessKey"]?.stringValue
        else { throw .noCredentials(.unavailable(reason: "\(name) answered without keys")) }
        let end = object?["Expiration"]?.stringValue
        return AWSCredentials(
            accessKeyID: id, secretAccessKey: secret, sessionToken: object?["Token"]?.stringValue,
            expiresAtMilliseconds: end.flatMap { Timestamp(iso8601: $0)?.milliseconds })
    }
}
