// SPDX-License-Identifier: Apache-2.0

import HTTPExchange
import WireFormat

extension RESTRefusal {
    /// Reads an answer that is no success; whatever its body is, there is a refusal to tell of.
    ///
    /// Bodies are the protocol's `{"error": {"message", "type", "code"}}`, OAuth2's
    /// `{"error", "error_description"}`, or anything that a proxy says.
    init(_ answer: HTTPAnswer, _ redaction: Redaction) {
        var type: String?
        var message = ""
        let body: JSONValue?
        do throws(JSONSyntaxError) { body = try JSONValue(parsing: answer.body) } catch {
            // A proxy's page in HTML: its status says enough.
            body = nil
        }
        switch body?.objectValue?["error"] {
        case .object(let error)?:
            type = error["type"]?.stringValue
            message = error["message"]?.stringValue ?? ""
        case .string(let error)?:
            type = error
            message = body?.objectValue?["error_description"]?.stringValue ?? ""
        case nil, .null, .bool, .number, .array: break
        }
        self.init(
            status: answer.status, type: type.map(redaction.cleaned),
            message: redaction.cleaned(message), retryAfter: answer.retryAfter)
    }
}
