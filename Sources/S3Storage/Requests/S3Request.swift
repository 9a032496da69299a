// SPDX-License-Identifier: Apache-2.0

import AWSSigning
import Digests
import FoundationEssentials
import WireFormat

/// One call of the S3 API, before it is addressed and signed.
struct S3Request: Sendable {
    typealias Field = SignableRequest.Field

    let method: String
    let bucket: String
    /// Empty for calls about the bucket.
    let key: String
    var query: [Field] = []
    var headers: [Field] = []
    var body: [UInt8] = []
    /// Known in advance where it is needed more than once; else it is computed.
    var payload: PayloadHash?
    var repeatability = RetryMachine.Repeatability.repeatable

    init(_ method: String, _ bucket: String, _ key: String = "") {
        self.method = method
        self.bucket = bucket
        self.key = key
    }
}

extension S3Request {
    /// The header of user metadata in which a write leaves its own mark.
    static let markHeader = "x-amz-meta-icepack-write"

    static func head(_ address: S3Address) -> S3Request {
        S3Request("HEAD", address.bucket, address.key)
    }

    /// The whole object.
    static func get(_ address: S3Address) -> S3Request {
        S3Request("GET", address.bucket, address.key)
    }

    /// Bytes from a position to another, or to the end; only of the version with that tag.
    static func get(
        _ address: S3Address, from start: Int64, to end: Int64?, entityTag: String? = nil
    ) -> S3Request {
        var request = get(address)
        let last = end.map { String($0 - 1) } ?? ""
        request.headers = [.init("Range", "bytes=\(start)-\(last)")]
        if let entityTag { request.headers.append(.init("If-Match", entityTag)) }
        return request
    }

    static func put(_ address: S3Address, _ body: [UInt8]) -> S3Request {
        var request = S3Request("PUT", address.bucket, address.key)
        request.body = body
        return request
    }

    /// A write that must not replace anything; made once, since a second one would find the first.
    static func create(_ address: S3Address, _ body: [UInt8], mark: String) -> S3Request {
        var request = put(address, body)
        request.headers = [.init("If-None-Match", "*"), .init(markHeader, mark)]
        request.repeatability = .once
        return request
    }

    static func delete(_ address: S3Address) -> S3Request {
        S3Request("DELETE", address.bucket, address.key)
    }

    static func list(
        bucket: String, prefix: String, delimiter: String?, token: String?, pageSize: Int
    ) -> S3Request {
        var request = S3Request("GET", bucket)
        request.query = [
            .init("list-type", "2"), .init("encoding-type", "url"), .init("prefix", prefix),
            .init("max-keys", String(pageSize)),
        ]
        if let delimiter { request.query.append(.init("delimiter", delimiter)) }
        if let token { request.query.append(.init("continuation-token", token)) }
        return request
    }

    /// Nil if a key cannot be written in XML.
    static func deleteMany(bucket: String, keys: [String]) -> S3Request? {
        var text = #"<?xml version="1.0" encoding="UTF-8"?>"#
        text += #"<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">"#
        for key in keys {
            guard let escaped = XMLText.escape(key) else { return nil }
            text += "<Object><Key>\(escaped)</Key></Object>"
        }
        var request = S3Request("POST", bucket)
        request.query = [.init("delete", "")]
        request.body = Array((text + "</Delete>").utf8)
        // The API asks for a digest of this body in particular.
        let digest = Data(MessageDigest.md5.hash(request.body)).base64EncodedString()
        request.headers = [.init("Content-MD5", digest), .init("Content-Type", "application/xml")]
        return request
    }
}

extension S3Request {
    /// Another upload for every call: not repeated when its answer is lost.
    static func startUpload(_ address: S3Address, mark: String) -> S3Request {
        var request = S3Request("POST", address.bucket, address.key)
        request.query = [.init("uploads", "")]
        request.headers = [.init(markHeader, mark)]
        request.repeatability = .once
        return request
    }

    static func uploadPart(
        _ address: S3Address, upload: String, number: Int, _ body: [UInt8]
    ) -> S3Request {
        var request = put(address, body)
        request.query = [.init("partNumber", String(number)), .init("uploadId", upload)]
        return request
    }

    /// The end of an upload; nothing may be there yet if so asked.
    static func completeUpload(
        _ address: S3Address, upload: String, tags: [String], ifAbsent: Bool
    ) -> S3Request {
        var text = #"<?xml version="1.0" encoding="UTF-8"?>"#
        text += #"<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">"#
        for (index, tag) in tags.enumerated() {
            let escaped = XMLText.escape(tag) ?? ""
            text += "<Part><PartNumber>\(index + 1)</PartNumber><ETag>\(escaped)</ETag></Part>"
        }
        var request = S3Request("POST", address.bucket, address.key)
        request.query = [.init("uploadId", upload)]
        request.body = Array((text + "</CompleteMultipartUpload>").utf8)
        request.headers = [.init("Content-Type", "application/xml")]
        if ifAbsent { request.headers.append(.init("If-None-Match", "*")) }
        request.repeatability = .once
        return request
    }

    static func abortUpload(_ address: S3Address, upload: String) -> S3Request {
        var request = delete(address)
        request.query = [.init("uploadId", upload)]
        return request
    }
}

extension S3Request {
    /// A copy of a version of an object; a second one makes the same.
    static func copy(_ source: S3Address, tag: String, to address: S3Address) -> S3Request {
        var request = S3Request("PUT", address.bucket, address.key)
        request.headers = copyHeaders(source, tag)
        return request
    }

    /// A range of a version of an object as a part.
    static func copyPart(
        _ source: S3Address, tag: String, _ range: Range<Int64>, to address: S3Address,
        upload: String, number: Int
    ) -> S3Request {
        var request = copy(source, tag: tag, to: address)
        request.query = [.init("partNumber", String(number)), .init("uploadId", upload)]
        request.headers.append(
            .init(
                "x-amz-copy-source-range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)"))
        return request
    }

    private static func copyHeaders(_ source: S3Address, _ tag: String) -> [Field] {
        let key = PercentEncoding.encode(source.key, keepingSlashes: true)
        return [
            .init("x-amz-copy-source", "/\(source.bucket)/\(key)"),
            .init("x-amz-copy-source-if-match", tag),
        ]
    }
}
