// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// The one text that client and server both make of a request, and sign.
struct CanonicalRequest: Hashable, Sendable {
    /// The names of the signed headers, sorted, in lower case, with semicolons between.
    let signedHeaders: String
    /// The whole text.
    let text: String

    init(_ request: SignableRequest, path rule: CanonicalPath) {
        let headers = Self.headers(request.headers)
        signedHeaders = headers.map(\.name).joined(separator: ";")
        text = [
            request.method,
            Self.path(request.path, rule),
            Self.query(request.query),
            headers.map { "\($0.name):\($0.value)\n" }.joined(),
            signedHeaders,
            request.payload.headerValue,
        ].joined(separator: "\n")
    }

    private static func path(_ path: String, _ rule: CanonicalPath) -> String {
        switch rule {
        case .asSent: path
        case .encodedAgain: PercentEncoding.encode(path, keepingSlashes: true)
        case .normalised: PercentEncoding.encode(normalised(path), keepingSlashes: true)
        }
    }

    private static func normalised(_ path: String) -> String {
        var segments: [Substring] = []
        for segment in path.split(separator: "/") {
            switch segment {
            case ".": continue
            case "..": _ = segments.popLast()
            default: segments.append(segment)
            }
        }
        let isFolder = path.utf8.last == UInt8(ascii: "/") && !segments.isEmpty
        return "/" + segments.joined(separator: "/") + (isFolder ? "/" : "")
    }

    static func query(_ fields: [SignableRequest.Field]) -> String {
        fields.map { (PercentEncoding.encode($0.name), PercentEncoding.encode($0.value)) }
            // Encoded texts are ASCII, so the order of strings is that of bytes.
            .sorted { $0 < $1 }
            .map { "\($0)=\($1)" }
            .joined(separator: "&")
    }

    /// One of each name, sorted; the values of one name with commas between, in the order given.
    private static func headers(_ fields: [SignableRequest.Field]) -> [SignableRequest.Field] {
        var values: [String: [String]] = [:]
        for field in fields {
            values[field.name.lowercased(), default: []].append(trim(field.value))
        }
        return values.sorted { $0.key < $1.key }.map { name, values in
            SignableRequest.Field(name, values.joined(separator: ","))
        }
    }

    /// No space at either end, and one where there were more.
    private static func trim(_ value: String) -> String {
        value.utf8.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            .map { String(decoding: $0, as: UTF8.self) }
            .joined(separator: " ")
    }
}
