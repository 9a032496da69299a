// SPDX-License-Identifier: Apache-2.0

import AWSSigning
import Testing

@Suite struct PublishedVectorTests {
    /// 2015-08-30T12:36:00Z.
    let time = SigningTime(millisecondsSinceEpoch: 1_440_938_160_000)

    private func signer(_ vector: PublishedVector) -> RequestSigner {
        RequestSigner(
            credentials: AWSCredentials(
                accessKeyID: "AKIDEXAMPLE",
                secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                sessionToken: vector.token),
            region: "us-east-1", service: "service", canonicalPath: vector.rule)
    }

    @Test(arguments: PublishedVector.all)
    func `a published request has the published signature in its header`(
        vector: PublishedVector
    ) throws {
        let headers = signer(vector).headers(for: vector.headerRequest, at: time)

        let authorization = try #require(headers.last)
        #expect(authorization.name == "Authorization")
        #expect(authorization.value.hasSuffix("Signature=\(vector.header)"))
    }

    @Test(arguments: PublishedVector.all)
    func `a published request has the published signature in its URL`(
        vector: PublishedVector
    ) throws {
        let query = signer(vector).presignedQuery(for: vector.request, at: time, seconds: 3600)

        #expect(query.last == .init("X-Amz-Signature", vector.presigned))
    }
}

/// The examples in AWS's documentation of signing for S3.
@Suite struct S3ExampleTests {
    /// 2013-05-24T00:00:00Z.
    let time = SigningTime(millisecondsSinceEpoch: 1_369_353_600_000)
    let signer = RequestSigner(
        credentials: AWSCredentials(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE",
            secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        region: "us-east-1", service: "s3", canonicalPath: .asSent)

    private func authorization(
        _ method: String, _ path: String, query: [SignableRequest.Field] = [],
        headers: [SignableRequest.Field] = [], body: String = ""
    ) -> String? {
        let payload = PayloadHash(of: Array(body.utf8))
        let fixed: [SignableRequest.Field] = [
            .init("Host", "examplebucket.s3.amazonaws.com"),
            .init("x-amz-content-sha256", payload.headerValue),
        ]
        let request = SignableRequest(
            method: method, path: path, query: query, headers: fixed + headers, payload: payload)
        return signer.headers(for: request, at: time).last?.value
    }

    @Test func `a read of a range is signed as documented`() {
        let value = authorization("GET", "/test.txt", headers: [.init("Range", "bytes=0-9")])

        #expect(
            value == "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
                + "aws4_request, SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
                + "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
    }

    @Test func `a write is signed as documented`() {
        let value = authorization(
            "PUT", "/test%24file.text",
            headers: [
                .init("Date", "Fri, 24 May 2013 00:00:00 GMT"),
                .init("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ], body: "Welcome to Amazon S3.")

        #expect(
            value?.hasSuffix(
                "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")
                == true)
    }

    @Test func `a query is signed as documented`() {
        let lifecycle = authorization("GET", "/", query: [.init("lifecycle", "")])
        let list = authorization(
            "GET", "/", query: [.init("max-keys", "2"), .init("prefix", "J")])

        #expect(
            lifecycle?.hasSuffix(
                "Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")
                == true)
        #expect(
            list?.hasSuffix(
                "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")
                == true)
    }

    @Test func `a presigned URL is signed as documented`() {
        let request = SignableRequest(
            method: "GET", path: "/test.txt",
            headers: [.init("host", "examplebucket.s3.amazonaws.com")], payload: .unsigned)

        let query = signer.presignedQuery(for: request, at: time, seconds: 86_400)

        #expect(
            query.last?.value == "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
    }
}
