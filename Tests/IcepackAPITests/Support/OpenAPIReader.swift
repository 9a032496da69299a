// SPDX-License-Identifier: Apache-2.0

import Testing
import WireFormat

@testable import IcepackAPI

/// Reads the OpenAPI document as far as the tests compare it with the program.
struct OpenAPIReader {
    struct Answer {
        let operation: String
        let status: Int
        /// One of the codes of this status; nil for success.
        let code: String?
    }

    let document: JSONObject

    init() throws {
        document = try #require(try JSONValue(parsing: OpenAPIDocument.bytes).objectValue)
    }

    /// Method, path and description of every operation.
    var operations: [(method: String, path: String, operation: JSONObject)] {
        (document["paths"]?.objectValue?.members ?? []).flatMap { path in
            (path.value.objectValue?.members ?? []).compactMap { member in
                guard member.key != "parameters", let operation = member.value.objectValue else {
                    return nil
                }
                return (member.key.uppercased(), path.key, operation)
            }
        }
    }

    var answers: [Answer] {
        operations.flatMap { entry in
            let id = entry.operation["operationId"]?.stringValue ?? ""
            return (entry.operation["responses"]?.objectValue?.members ?? []).flatMap { response in
                let status = Int(response.key) ?? 0
                let codes = Self.codes(in: response.value)
                return codes.isEmpty
                    ? [Answer(operation: id, status: status, code: nil)]
                    : codes.map { Answer(operation: id, status: status, code: $0) }
            }
        }
    }

    func schema(_ name: String) -> JSONObject? {
        document["components"]?.objectValue?["schemas"]?.objectValue?[name]?.objectValue
    }

    private static func codes(in response: JSONValue) -> [String] {
        let content = response.objectValue?["content"]?.objectValue
        let schema = content?["application/problem+json"]?.objectValue?["schema"]?.objectValue
        let parts = schema?["allOf"]?.arrayValue ?? []
        return parts.flatMap { part in
            let code = part.objectValue?["properties"]?.objectValue?["code"]?.objectValue
            return (code?["enum"]?.arrayValue ?? []).compactMap(\.stringValue)
        }
    }
}
