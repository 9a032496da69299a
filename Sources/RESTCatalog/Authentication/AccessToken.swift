// SPDX-License-Identifier: Apache-2.0

import HTTPExchange
import WireFormat

/// A token as an OAuth2 server gave it out.
struct AccessToken: Hashable, Sendable {
    /// Never shown.
    let text: String
    /// When to fetch the next one; nil if the server does not say how long this one lasts.
    let renewAt: ContinuousClock.Instant?

    /// The longest time before its end at which a token is renewed; a short one is used for three
    /// quarters of its life.
    static let renewAhead = Duration.seconds(60)

    /// Reads the reply to a token request made at this time.
    init(_ reply: JSONObject, at now: ContinuousClock.Instant) throws(RESTFailure) {
        guard let text = reply["access_token"]?.stringValue, Self.isHeaderValue(text) else {
            throw .nonsense(reason: "the authorisation server gave no access_token")
        }
        if let kind = reply["token_type"]?.stringValue, kind.lowercased() != "bearer" {
            throw .nonsense(reason: "the authorisation server gave no bearer token")
        }
        self.text = text
        renewAt = reply["expires_in"]?.doubleValue.map { seconds in
            // Bounded, as a duration is; a year is as good as for ever.
            let life = Duration.seconds(min(max(seconds, 0), 31_536_000))
            return now + (life - min(Self.renewAhead, life / 4))
        }
    }

    /// Whether it may still be sent.
    func isFresh(at now: ContinuousClock.Instant) -> Bool { renewAt.map { now < $0 } ?? true }

    static func isHeaderValue(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }
}

extension OAuthClient {
    /// The request for a token, by the client credentials grant (RFC 6749, section 4.4).
    ///
    /// The client's name and secret go into the form and not into a header, as Iceberg's clients
    /// do: a credential without a name could not be sent otherwise.
    func tokenRequest(catalog root: RESTRoot) -> HTTPCall {
        var form = [("grant_type", "client_credentials")]
        if let id { form.append(("client_id", id)) }
        form += [("client_secret", secret), ("scope", scope)]
        let body = form.map { "\($0)=\(PercentEncoding.encode($1))" }.joined(separator: "&")
        return HTTPCall(
            "POST", tokenURI ?? "\(root.text)/v1/oauth/tokens",
            headers: [
                HTTPField("Content-Type", "application/x-www-form-urlencoded"),
                HTTPField("Accept", "application/json"),
            ], body: Array(body.utf8))
    }
}
