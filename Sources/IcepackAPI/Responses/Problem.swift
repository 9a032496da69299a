// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import WireFormat

/// One failed request, as RFC 9457 describes it.
///
/// `detail` is a sentence for a person. It never carries a stack trace, SQL, a file path of the
/// service or a secret.
struct Problem: Error, Hashable, Sendable {
    let code: ProblemCode
    let detail: String
    /// Members beside the standard ones, such as `field`.
    var members = JSONObject()
    /// Header fields beside the usual ones.
    var headers = HTTPFields()

    init(_ code: ProblemCode, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    /// The same problem with one more member.
    func with(_ key: String, _ value: JSONValue) -> Problem {
        var copy = self
        copy.members[key] = value
        return copy
    }

    /// The same problem, naming the field that it is about.
    func about(field: String) -> Problem { with("field", .string(field)) }

    var json: JSONValue {
        var object = JSONObject([
            .init(key: "type", value: .string("urn:icepack:problem:\(code.rawValue)")),
            .init(key: "title", value: .string(code.title)),
            .init(key: "status", value: .integer(code.status.code)),
            .init(key: "detail", value: .string(detail)),
            .init(key: "code", value: .string(code.rawValue)),
        ])
        for member in members.members { object[member.key] = member.value }
        return .object(object)
    }

    var response: Response {
        var fields = headers
        fields[.contentType] = "application/problem+json"
        if let seconds = code.retryAfterSeconds { fields[.retryAfter] = String(seconds) }
        if code.endsConnection { fields[.connection] = "close" }
        return Response(
            status: code.status, headers: fields,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: json.bytes())))
    }
}

/// Why a handler did not return a response.
enum APIFailure: Error {
    /// Answer with this.
    case problem(Problem)
    /// The connection is broken, so that nothing can be answered; the server ends it.
    case connection(any Error)
}
