// SPDX-License-Identifier: Apache-2.0

import HTTPExchange
import IcebergCatalog
import WireFormat

/// Speaks the protocol with one server: configuration, authentication, retries of what may be
/// repeated.
///
/// The server's configuration is fetched before the first call and kept; tokens are renewed before
/// they end, and once more when the server calls one invalid.
final class RESTClient: Sendable {
    /// What it takes from outside, so that tests need not wait.
    struct Surroundings: Sendable {
        var now: @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
        /// Throws when the task is cancelled, and nothing else.
        var pause: @Sendable (Duration) async throws -> Void = {
            try await ContinuousClock().sleep(for: $0)
        }
    }

    let settings: RESTCatalogSettings
    let surroundings: Surroundings
    private let root: RESTRoot
    private let exchanger: HTTPExchanger
    private let redaction: Redaction
    private let configuration = SharedFetch<ServerConfig, RESTFailure>()
    private let tokens: SharedFetch<AccessToken, RESTFailure>

    /// - Throws: ``CatalogError/denied(reason:)`` for settings that cannot be used.
    init(
        _ settings: RESTCatalogSettings, _ surroundings: Surroundings
    ) throws(CatalogError) {
        guard let root = RESTRoot(settings.uri) else {
            throw .denied(
                reason: "the catalog's URI must be http://host/path or https://host/path, without"
                    + " user, password, query and fragment")
        }
        try Self.check(settings.authentication)
        self.root = root
        self.settings = settings
        self.surroundings = surroundings
        exchanger = HTTPExchanger(settings.exchange)
        redaction = Redaction(settings.authentication)
        tokens = SharedFetch { $0.isFresh(at: surroundings.now()) }
    }

    private static func check(_ authentication: RESTAuthentication) throws(CatalogError) {
        switch authentication {
        case .none, .signature: return
        case .bearer(let token):
            guard AccessToken.isHeaderValue(token) else {
                throw .denied(reason: "the catalog's token has characters that no token has")
            }
        case .clientCredentials(let client):
            guard !client.secret.isEmpty else {
                throw .denied(reason: "the catalog's credential must be id:secret")
            }
            if let uri = client.tokenURI, RESTRoot(uri) == nil {
                throw .denied(
                    reason: "the URI of the OAuth2 server must be http://host/path or"
                        + " https://host/path")
            }
        }
    }

    /// What the server says of itself.
    func config() async throws(RESTFailure) -> ServerConfig {
        try await configuration.value { [self] in
            let url = RESTEndpoint.config(root: root.text, warehouse: settings.warehouse)
            do throws(RESTFailure) {
                let reply = try await get(url, limit: RESTLimits.replyBytes)
                return .success(try ServerConfig(reply, root: root))
            } catch {
                return .failure(error)
            }
        }.value
    }

    /// The reply to a call that changes nothing, tried again while that may help.
    func get(
        _ url: String, headers: [HTTPField] = [], limit: Int
    ) async throws(RESTFailure) -> JSONObject {
        try await repeating { () throws(RESTFailure) in
            let answer = try await self.send(
                HTTPCall("GET", url, headers: headers), limit: limit)
            return try Self.object(answer)
        }
    }

    /// The reply to a call that changes something; never made twice, but after an answer that it
    /// was not even looked at.
    ///
    /// The guard is asked when everything else is there, right before the call leaves.
    func post(
        _ url: String, _ body: [UInt8], headers: [HTTPField], limit: Int,
        under commitGuard: CommitGuard
    ) async throws(RESTFailure) -> JSONObject {
        let call = HTTPCall(
            "POST", url, headers: [HTTPField("Content-Type", "application/json")] + headers,
            body: body)
        return try Self.object(try await send(call, limit: limit, under: commitGuard))
    }

    // MARK: Calls

    private func repeating<Value>(
        _ body: () async throws(RESTFailure) -> Value
    ) async throws(RESTFailure) -> Value {
        var random = SystemRandomNumberGenerator()
        var tries = 0
        while true {
            let failure: RESTFailure
            do throws(RESTFailure) { return try await body() } catch { failure = error }
            tries += 1
            guard !Task.isCancelled,
                let pause = RESTRetry.pause(after: failure, tries: tries, using: &random)
            else { throw failure }
            do { try await surroundings.pause(pause) } catch { throw failure }
        }
    }

    /// One call, with a fresh token if the server rejects the one it came with.
    private func send(
        _ call: HTTPCall, limit: Int, under commitGuard: CommitGuard = .open
    ) async throws(RESTFailure) -> HTTPAnswer {
        let token = try await token()
        let answer = try await send(call, with: token?.value, limit: limit, under: commitGuard)
        guard let token, answer.status == 401 || answer.status == 419 else {
            return try checked(answer)
        }
        tokens.drop(generation: token.generation)
        let renewed = try await self.token()
        return try checked(
            try await send(call, with: renewed?.value, limit: limit, under: commitGuard))
    }

    private func checked(_ answer: HTTPAnswer) throws(RESTFailure) -> HTTPAnswer {
        guard answer.isSuccess else { throw .refused(RESTRefusal(answer, redaction)) }
        return answer
    }

    private func send(
        _ call: HTTPCall, with token: AccessToken?, limit: Int, under commitGuard: CommitGuard
    ) async throws(RESTFailure) -> HTTPAnswer {
        var call = call
        call.headers += [
            HTTPField("Accept", "application/json"), HTTPField("User-Agent", "icepack"),
        ]
        switch settings.authentication {
        case .none: break
        case .bearer(let token):
            call.headers.append(HTTPField("Authorization", "Bearer \(token)"))
        case .clientCredentials:
            if let token {
                call.headers.append(HTTPField("Authorization", "Bearer \(token.text)"))
            }
        case .signature(let sign):
            do throws(SigningFailure) { call.headers += try await sign(call) } catch {
                switch error {
                case .unavailable(let reason): throw .notSent(reason: reason)
                case .denied(let reason): throw .notAllowed(reason: reason)
                }
            }
        }
        guard commitGuard.isOpen() else { throw .guardClosed }
        return try await exchange(call, limit: limit)
    }

    private func exchange(_ call: HTTPCall, limit: Int) async throws(RESTFailure) -> HTTPAnswer {
        do throws(HTTPFailure) { return try await exchanger.send(call, limit: limit) } catch {
            throw RESTFailure(error)
        }
    }

    private static func object(_ answer: HTTPAnswer) throws(RESTFailure) -> JSONObject {
        let value: JSONValue
        do throws(JSONSyntaxError) { value = try JSONValue(parsing: answer.body) } catch {
            throw .nonsense(reason: "the server's reply is no JSON: \(error)")
        }
        guard let object = value.objectValue else {
            throw .nonsense(reason: "the server's reply is \(value.kindName), not an object")
        }
        return object
    }

    // MARK: Tokens

    /// Nil without OAuth2.
    private func token() async throws(RESTFailure) -> (value: AccessToken, generation: Int)? {
        guard case .clientCredentials(let client) = settings.authentication else { return nil }
        return try await tokens.value { [self] in
            do throws(RESTFailure) { return .success(try await fetchToken(client)) } catch {
                return .failure(error)
            }
        }
    }

    private func fetchToken(_ client: OAuthClient) async throws(RESTFailure) -> AccessToken {
        let asked = surroundings.now()
        do throws(RESTFailure) {
            // Once: the call that needs the token is made again as a whole, or its caller told.
            let answer = try await exchange(
                client.tokenRequest(catalog: root), limit: RESTLimits.replyBytes)
            let token = try AccessToken(try Self.object(try checked(answer)), at: asked)
            redaction.add(token: token.text)
            return token
        } catch {
            // Whatever became of the request for a token, the call that needs one was not sent.
            let reason = "no token from the OAuth2 server: \(error.reason)"
            throw error.isPassing ? .notSent(reason: reason) : .notAllowed(reason: reason)
        }
    }
}
