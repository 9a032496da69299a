// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// One page of a listing.
struct ListPage: Hashable, Sendable {
    struct Entry: Hashable, Sendable {
        let key: String
        let size: Int64
        let modifiedMilliseconds: Int64?
        let entityTag: String?
    }

    let entries: [Entry]
    /// With the delimiter at their end.
    let prefixes: [String]
    /// Nil on the last page.
    let nextToken: String?

    init(parsing bytes: [UInt8]) throws(CallFailure) {
        let root = try XMLElement(reply: bytes, named: "ListBucketResult")
        let isEncoded = root["EncodingType"]?.text == "url"
        var entries: [Entry] = []
        for element in root.all("Contents") { entries.append(try Entry(element, isEncoded)) }
        var prefixes: [String] = []
        for element in root.all("CommonPrefixes") {
            prefixes.append(try Self.text("Prefix", of: element, isEncoded))
        }
        self.entries = entries
        self.prefixes = prefixes
        switch root["IsTruncated"]?.text {
        case "false": nextToken = nil
        case "true":
            guard let token = root["NextContinuationToken"]?.text, !token.isEmpty else {
                throw .nonsense(reason: "a page of the listing is not the last and names no next")
            }
            nextToken = token
        case .some, nil:
            // Half a list must not look like a whole one (P-13).
            throw .nonsense(reason: "the listing does not say whether there is more")
        }
    }

    static func text(
        _ name: String, of element: XMLElement, _ isEncoded: Bool
    ) throws(CallFailure) -> String {
        guard let raw = element[name]?.text else {
            throw .nonsense(reason: "an entry of the listing has no \(name)")
        }
        guard isEncoded else { return raw }
        guard let text = PercentEncoding.decode(raw, plusIsSpace: true) else {
            throw .nonsense(reason: "an entry of the listing is not encoded as announced")
        }
        return text
    }
}

extension ListPage.Entry {
    fileprivate init(_ element: XMLElement, _ isEncoded: Bool) throws(CallFailure) {
        key = try ListPage.text("Key", of: element, isEncoded)
        guard let size = element["Size"].flatMap({ Int64($0.text) }), size >= 0 else {
            throw .nonsense(reason: "an entry of the listing has no size")
        }
        self.size = size
        // Without a time the object counts as too young for everything (P-17).
        modifiedMilliseconds = element["LastModified"]
            .flatMap { Timestamp(iso8601: $0.text)?.milliseconds }
        entityTag = element["ETag"]?.text
    }
}

/// What a bulk removal says of each key.
///
/// Keys are bytes here: texts that look alike are equal as strings, but not as keys (P-10).
struct RemovalReport: Hashable, Sendable {
    let removed: Set<[UInt8]>
    let failed: [[UInt8]: CallFailure.Refusal]

    init(parsing bytes: [UInt8]) throws(CallFailure) {
        let root = try XMLElement(reply: bytes, named: "DeleteResult")
        removed = Set(root.all("Deleted").compactMap { $0["Key"].map { Array($0.text.utf8) } })
        var failed: [[UInt8]: CallFailure.Refusal] = [:]
        for element in root.all("Error") {
            guard let key = element["Key"]?.text else { continue }
            failed[Array(key.utf8)] = CallFailure.Refusal(lateErrorElement: element)
        }
        self.failed = failed
    }
}

extension XMLElement {
    /// An answer of one of these names; an answer `Error` is a refusal, whatever its status said.
    init(reply bytes: [UInt8], named names: String...) throws(CallFailure) {
        let root: XMLElement
        do throws(XMLElement.Invalid) { root = try XMLElement(parsing: bytes) } catch {
            throw .nonsense(reason: "the answer cannot be read: \(error)")
        }
        if root.name == "Error" {
            // S3 begins with 200 where the work takes long, and may end with a failure.
            throw .refused(.init(lateErrorElement: root))
        }
        guard names.contains(root.name) else {
            throw .nonsense(reason: "the answer is \(root.name.prefix(40)), not \(names[0])")
        }
        self = root
    }
}

extension CallFailure.Refusal {
    /// The statuses that errors have when they come in time.
    private static let statuses = [
        "AccessDenied": 403, "EntityTooSmall": 400, "InvalidPart": 400, "InvalidPartOrder": 400,
        "NoSuchKey": 404, "NoSuchUpload": 404, "PreconditionFailed": 412, "SlowDown": 503,
        "MethodNotAllowed": 405, "InvalidObjectState": 403, "InvalidRequest": 400,
    ]

    /// An error in an answer that began as a success.
    init(lateErrorElement element: XMLElement) {
        let status = Self.statuses[element["Code"]?.text ?? ""] ?? 500
        self.init(status: status, errorElement: element)
    }

    init(status: Int, errorElement element: XMLElement) {
        // STS nests its error once more.
        let error = element["Error"] ?? element
        self.init(
            status: status, code: error["Code"]?.text ?? "", message: error["Message"]?.text ?? "",
            region: error["Region"]?.text)
    }

    init(status: Int, body: [UInt8], retryAfter: String?, region: String?) {
        do throws(XMLElement.Invalid) {
            self.init(status: status, errorElement: try XMLElement(parsing: body))
        } catch {
            // A proxy's page, or nothing: the status says enough.
            self.init(status: status, code: "", message: "")
        }
        self.retryAfter = retryAfter.flatMap { Int64($0) }.map { .seconds(max(0, $0)) }
        // Only where the server sends us elsewhere; it also names the region when all is well.
        if status == 301 || status == 307 || status == 400, self.region == nil {
            self.region = region
        }
    }
}
