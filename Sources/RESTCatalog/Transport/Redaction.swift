// SPDX-License-Identifier: Apache-2.0

import Synchronization
import WireFormat

/// Takes the secrets that this catalog sends out of whatever a server says.
///
/// Servers, and proxies before them, quote requests in their errors.
final class Redaction: Sendable {
    /// Anything shorter would take ordinary words apart, and is no secret.
    private static let shortest = 4
    /// Tokens come and go; those before the last ones are of no use to anybody.
    private static let mostTokens = 8

    private let fixed: [String]
    private let tokens = Mutex<[String]>([])

    init(_ authentication: RESTAuthentication) {
        switch authentication {
        case .none, .signature: fixed = []
        case .bearer(let token): fixed = [token]
        case .clientCredentials(let client): fixed = [client.secret]
        }
    }

    /// Keeps a token that was fetched out of messages from now on.
    func add(token: String) {
        tokens.withLock { tokens in
            tokens.append(token)
            if tokens.count > Self.mostTokens { tokens.removeFirst() }
        }
    }

    /// A server's words for a message: without secrets, on one line, cut.
    func cleaned(_ text: String) -> String {
        var text = text
        for secret in fixed + tokens.withLock({ $0 }) where secret.utf8.count >= Self.shortest {
            for spelling in [secret, PercentEncoding.encode(secret)] {
                text = text.replacing(spelling, with: "********")
            }
        }
        let line = text.map { $0.isNewline || $0.isControl ? " " : $0 }
        return String(line.prefix(RESTLimits.messageCharacters))
    }
}

extension Character {
    fileprivate var isControl: Bool {
        unicodeScalars.contains { $0.properties.generalCategory == .control }
    }
}
