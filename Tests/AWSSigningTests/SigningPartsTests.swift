// SPDX-License-Identifier: Apache-2.0

import AWSSigning
import Testing

@Suite struct SigningTimeTests {
    @Test(arguments: [
        (Int64(0), "19700101T000000Z"), (1_440_938_160_000, "20150830T123600Z"),
        (951_782_400_000, "20000229T000000Z"), (-1, "19691231T235959Z"),
        (253_402_300_799_999, "99991231T235959Z"), (1_709_251_199_999, "20240229T235959Z"),
    ])
    func `a time is spelled without separators, to the second below`(
        milliseconds: Int64, text: String
    ) {
        let time = SigningTime(millisecondsSinceEpoch: milliseconds)

        #expect(time.description == text)
        #expect(time.day == text.prefix(8))
    }
}

@Suite struct SecretTests {
    let credentials = AWSCredentials(
        accessKeyID: "AKID", secretAccessKey: "hidden-secret", sessionToken: "hidden-token")

    @Test func `no text form of credentials has a secret in it`() {
        let signer = RequestSigner(
            credentials: credentials, region: "r", service: "s3", canonicalPath: .asSent)
        var dumped = ""
        dump(credentials, to: &dumped)
        dump(signer, to: &dumped)
        let texts = [
            "\(credentials)", String(describing: credentials), String(reflecting: credentials),
            "\(signer)", String(reflecting: [signer]), dumped,
        ]

        for text in texts {
            #expect(!text.contains("hidden"))
            #expect(text.contains("AKID"))
        }
    }

    @Test func `a session token is sent and signed`() {
        let signer = RequestSigner(
            credentials: credentials, region: "r", service: "s3", canonicalPath: .asSent)
        let request = SignableRequest(
            method: "GET", path: "/", headers: [.init("Host", "h")], payload: .unsigned)

        let headers = signer.headers(for: request, at: SigningTime(millisecondsSinceEpoch: 0))

        #expect(headers.contains(.init("x-amz-security-token", "hidden-token")))
        #expect(
            headers.last?.value.contains("SignedHeaders=host;x-amz-date;x-amz-security-token")
                == true)
    }
}

@Suite struct PresignedTests {
    let signer = RequestSigner(
        credentials: AWSCredentials(accessKeyID: "AKID", secretAccessKey: "s"), region: "r",
        service: "s3", canonicalPath: .asSent)

    @Test(arguments: [1, RequestSigner.maximumPresignedSeconds])
    func `a presigned URL may be good for a second or a week`(seconds: Int) {
        let request = SignableRequest(
            method: "GET", path: "/b/k", headers: [.init("Host", "h")], payload: .unsigned)

        let query = signer.presignedQuery(
            for: request, at: SigningTime(millisecondsSinceEpoch: 0), seconds: seconds)

        #expect(query.contains(.init("X-Amz-Expires", String(seconds))))
    }

    @Test func `parameters are sent in the order in which they are signed`() {
        let request = SignableRequest(
            method: "GET", path: "/",
            query: [.init("b", "2"), .init("a b", "x/y"), .init("a", ""), .init("B", "1")],
            headers: [.init("Host", "h")])

        #expect(request.encodedQuery == "B=1&a=&a%20b=x%2Fy&b=2")
    }
}
