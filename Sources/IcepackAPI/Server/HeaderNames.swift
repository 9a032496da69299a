// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

extension HTTPField.Name {
    static let idempotencyKey = HTTPField.Name(known: "Idempotency-Key")
    static let lastEventID = HTTPField.Name(known: "Last-Event-ID")
    static let link = HTTPField.Name(known: "Link")
    static let requestID = HTTPField.Name(known: "X-Request-Id")
    static let secFetchSite = HTTPField.Name(known: "Sec-Fetch-Site")

    /// A name written in this program.
    private init(known text: StaticString) {
        guard let name = HTTPField.Name(text.description) else {
            preconditionFailure("a header name is a token (RFC 9110 section 5.6.2)")
        }
        self = name
    }
}
