// SPDX-License-Identifier: Apache-2.0

import Digests
import HTTPTypes
import Jobs
import WireFormat

/// The `Idempotency-Key` header: a client's promise that two requests with it are one.
enum IdempotencyKey {
    /// The most characters a key may have.
    static let maximumLength = 255

    /// The request's key with the digest of its table and body; nil when it has none.
    static func read(
        _ request: APIRequest, table: TableName, body: JSONValue
    ) throws(APIFailure) -> JobSubmission.Idempotency? {
        let values = request.headers[values: .idempotencyKey]
        guard let key = values.first else { return nil }
        guard values.count == 1, isValid(key) else {
            throw .problem(
                Problem(
                    .invalidIdempotencyKey,
                    "An Idempotency-Key has 1 to \(maximumLength) visible ASCII characters and is "
                        + "sent once."
                ).about(field: "Idempotency-Key"))
        }
        return JobSubmission.Idempotency(key: key, digest: digest(of: table, body))
    }

    /// Whether a text is 1 to 255 visible ASCII characters.
    static func isValid(_ key: String) -> Bool {
        (1...maximumLength).contains(key.utf8.count)
            && key.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    /// SHA-256 in hexadecimal over the method, the path and the canonical body.
    private static func digest(of table: TableName, _ body: JSONValue) -> String {
        let line = "POST /tables/\(table.database)/\(table.table)/maintenance\n"
        return Hexadecimal.text(MessageDigest.sha256.hash(Array(line.utf8) + body.bytes()))
    }
}
