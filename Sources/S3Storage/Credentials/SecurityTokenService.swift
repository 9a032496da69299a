// SPDX-License-Identifier: Apache-2.0

import AWSSigning
import HTTPExchange
import WireFormat

/// STS, which lends the credentials of a role to whoever may have them.
struct SecurityTokenService: Sendable {
    let http: CredentialsHTTP
    let environment: CredentialsEnvironment
    let now: @Sendable () -> Int64

    private static let version = "2011-06-15"

    /// Who wants the role.
    enum Bearer: Sendable {
        /// A signed identity from a file, as pods and pipelines have.
        case webIdentity(tokenFile: String)
        /// Other credentials.
        case credentials(AWSCredentials, externalID: String?)
    }

    func assume(
        role: String, session: String?, as bearer: Bearer, region: String?
    ) async throws(CredentialsError) -> AWSCredentials {
        let session = session ?? "icepack-\(now())"
        var form: [SignableRequest.Field] = [
            .init("Version", Self.version), .init("RoleArn", role),
            .init("RoleSessionName", session),
        ]
        let action: String
        switch bearer {
        case .webIdentity(let path):
            action = "AssumeRoleWithWebIdentity"
            let token = try environment.text(ofFile: path).filter { !$0.isNewline }
            form.append(.init("WebIdentityToken", token))
        case .credentials(_, let externalID):
            action = "AssumeRole"
            if let externalID { form.append(.init("ExternalId", externalID)) }
        }
        form.append(.init("Action", action))
        let body = SignableRequest(method: "POST", path: "/", query: form, headers: []).encodedQuery
        let call = try call(Array(body.utf8), bearer, region ?? "us-east-1")
        do throws(CallFailure) {
            let reply = try await http.fetch(call, limit: CredentialsHTTP.remoteLimit)
            return try Self.credentials(reply, action)
        } catch {
            let reason = "STS, for the role \(role): \(error.reason)"
            throw error.isPassing ? .unavailable(reason: reason) : .unusable(reason: reason)
        }
    }

    private func call(
        _ body: [UInt8], _ bearer: Bearer, _ region: String
    ) throws(CredentialsError) -> HTTPCall {
        let url =
            environment["AWS_ENDPOINT_URL_STS"] ?? environment["AWS_ENDPOINT_URL"]
            ?? "https://sts.\(region).\(S3Endpoint.amazonDomain(of: region))"
        let endpoint: S3Endpoint
        do throws(S3Endpoint.Invalid) { endpoint = try S3Endpoint(url: url) } catch {
            throw .unusable(reason: "the endpoint of STS \(error)")
        }
        let path = endpoint.basePath + "/"
        var headers: [SignableRequest.Field] = [
            .init("Host", endpoint.authority),
            .init("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
        ]
        if case .credentials(let credentials, _) = bearer {
            let signer = RequestSigner(
                credentials: credentials, region: region, service: "sts",
                canonicalPath: .encodedAgain)
            headers += signer.headers(
                for: SignableRequest(
                    method: "POST", path: path, headers: headers, payload: PayloadHash(of: body)),
                at: SigningTime(millisecondsSinceEpoch: now()))
        }
        return HTTPCall(
            "POST", "\(endpoint)/", headers: headers.map { HTTPField($0.name, $0.value) },
            body: body)
    }

    private static func credentials(
        _ reply: [UInt8], _ action: String
    ) throws(CallFailure) -> AWSCredentials {
        let root = try XMLElement(reply: reply, named: action + "Response")
        let element = root[action + "Result"]?["Credentials"]
        guard let id = element?["AccessKeyId"]?.text,
            let secret = element?["SecretAccessKey"]?.text,
            let token = element?["SessionToken"]?.text
        else { throw .nonsense(reason: "the answer has no credentials") }
        return AWSCredentials(
            accessKeyID: id, secretAccessKey: secret, sessionToken: token,
            expiresAtMilliseconds: element?["Expiration"]
                .flatMap { Timestamp(iso8601: $0.text)?.milliseconds })
    }
}
