// SPDX-License-Identifier: Apache-2.0

import AWSSigning
import HTTPExchange
import Logging
import ObjectStorage
import Synchronization

/// Makes calls of the S3 API: addresses, signs, sends, and tries again as ``RetryMachine`` says.
final class S3Client: Sendable {
    let settings: S3Settings
    let logger: Logger
    private let transport: HTTPTransport
    private let credentials: CredentialsCache
    private let now: @Sendable () -> Int64
    /// How far the server's clock is ahead of ours, in milliseconds, once it complained.
    private let clockOffset = Mutex<Int64>(0)

    init(
        _ settings: S3Settings, credentials: CredentialsCache, logger: Logger,
        now: @escaping @Sendable () -> Int64
    ) {
        self.settings = settings
        self.credentials = credentials
        self.logger = logger
        self.now = now
        transport = HTTPTransport(settings)
    }

    /// A call that failed for good.
    struct Failed: Error, Sendable {
        let failure: CallFailure
        /// Whether any of its tries may have had its effect.
        let mayHaveHappened: Bool
    }

    /// Makes a call until it succeeds or is given up; `read` makes the value of a successful
    /// answer, and is part of each try.
    func call<Value>(
        _ request: S3Request, _ read: (HTTPReply) async throws(CallFailure) -> Value
    ) async throws(Failed) -> Value {
        var machine = RetryMachine(policy: settings.retry, repeatability: request.repeatability)
        var request = request
        request.payload = request.payload ?? PayloadHash(of: request.body)
        var hasRenewed = false
        while true {
            do throws(CallFailure) {
                return try await once(request, hasRenewed: &hasRenewed, read)
            } catch {
                var random = SystemRandomNumberGenerator()
                let action = machine.failed(error, using: &random)
                guard case .tryAgain(let delay) = action else { throw Failed(error, machine) }
                logger.debug(
                    "s3 call is tried again",
                    metadata: [
                        "method": "\(request.method)", "bucket": "\(request.bucket)",
                        "reason": "\(error.reason)", "attempt": "\(machine.attempts)",
                        "delay": "\(delay)",
                    ])
                do { try await ContinuousClock().sleep(for: delay) } catch {
                    throw Failed(.cancelled, machine)
                }
            }
        }
    }

    /// One try; a second with fresh credentials where the server calls the first ones expired.
    private func once<Value>(
        _ request: S3Request, hasRenewed: inout Bool,
        _ read: (HTTPReply) async throws(CallFailure) -> Value
    ) async throws(CallFailure) -> Value {
        let keys = try await keys()
        do throws(CallFailure) {
            return try await read(try await send(request, keys))
        } catch {
            let expired: Set<String> = ["ExpiredToken", "TokenRefreshRequired"]
            guard !hasRenewed, let code = error.code, expired.contains(code) else { throw error }
            hasRenewed = true
            credentials.drop(keys)
        }
        return try await read(try await send(request, try await self.keys()))
    }

    private func keys() async throws(CallFailure) -> AWSCredentials {
        do throws(CredentialsError) { return try await credentials.credentials() } catch {
            throw .noCredentials(error)
        }
    }

    /// The answer, if it is a success.
    private func send(
        _ request: S3Request, _ keys: AWSCredentials
    ) async throws(CallFailure) -> HTTPReply {
        let reply = try await transport.send(httpCall(request, keys))
        guard !(200..<300).contains(reply.status) else { return reply }
        // A body that cannot be read takes nothing from what the status says.
        let body = (try? await reply.bytes(limit: S3Limits.errorBytes)) ?? []
        let refusal = CallFailure.Refusal(
            status: reply.status, body: body, retryAfter: reply.header("retry-after"),
            region: reply.header("x-amz-bucket-region"))
        if refusal.code == "RequestTimeTooSkewed" { adoptClock(of: reply) }
        throw .refused(refusal)
    }

    private func httpCall(_ request: S3Request, _ keys: AWSCredentials) -> HTTPCall {
        let endpoint = settings.endpoint
        let target = endpoint.target(bucket: request.bucket, key: request.key)
        let payload = request.payload ?? PayloadHash(of: request.body)
        let headers: [SignableRequest.Field] =
            [
                .init("Host", target.host), .init("x-amz-content-sha256", payload.headerValue),
            ] + request.headers
        let signable = SignableRequest(
            method: request.method, path: target.path, query: request.query, headers: headers,
            payload: payload)
        let signer = RequestSigner(
            credentials: keys, region: settings.region, service: "s3", canonicalPath: .asSent)
        let time = SigningTime(
            millisecondsSinceEpoch: now() + clockOffset.withLock { $0 })
        let all = headers + signer.headers(for: signable, at: time)
        let query = request.query.isEmpty ? "" : "?" + signable.encodedQuery
        return HTTPCall(
            request.method,
            "\(endpoint.isSecure ? "https" : "http")://\(target.host)\(target.path)\(query)",
            headers: all.map { HTTPField($0.name, $0.value) }, body: request.body)
    }

    private func adoptClock(of reply: HTTPReply) {
        guard let date = reply.header("date").flatMap(HTTPDate.milliseconds) else { return }
        let offset = date - now()
        clockOffset.withLock { $0 = offset }
        logger.warning(
            "the clock of this machine differs from the store's",
            metadata: ["difference_ms": "\(offset)"])
    }
}

extension S3Client.Failed {
    fileprivate init(_ failure: CallFailure, _ machine: RetryMachine) {
        self.init(failure: failure, mayHaveHappened: machine.mayHaveHappened)
    }

    /// For a call that changes nothing, or may be made again by the caller.
    func storageError(_ location: Location) -> StorageError { failure.storageError(location) }
}
