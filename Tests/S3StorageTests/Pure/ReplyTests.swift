// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import TestSupport
import Testing

@testable import S3Storage

@Suite struct XMLElementTests {
    private func parse(_ text: String) throws -> XMLElement {
        try XMLElement(parsing: Array(text.utf8))
    }

    @Test func `elements, texts, entities and CDATA are read`() throws {
        let root = try parse(
            """
            <?xml version="1.0" encoding="UTF-8"?>
            <!-- note -->
            <A xmlns="urn:x" y='>'><B>a&amp;b&lt;&#233;&#13;&#x65e5;</B ><B><![CDATA[<x>&]]></B>
            <?php ?><C z = "1" /></A>

            """)

        #expect(root.name == "A")
        #expect(root.all("B").map(\.text) == ["a&b<é\r日", "<x>&"])
        #expect(root["C"]?.text == "" && root["D"] == nil)
    }

    @Test(arguments: [
        "", " ", "text", "<A>", "<A></B>", "<A>&nbsp;</A>", "<A/><B/>", "<A>\u{1}</A>", "<A/>x",
        "</A>", "<A", "<A x>", "<A x=1/>", "<A x=\"1/>", "<A>&#xD800;</A>", "<A>&amp", "<1/>",
        "< A/>",
        "<!-- - <A/>", "<A><![CDATA[</A>", "&lt;<A/>", "<A/><!DOCTYPE A>", "<A></A",
        "<A><B></A></B>",
        "<!DOCTYPE A><A/>",
        "<!DOCTYPE A [<!ENTITY x \"y\">]><A>&x;</A>",
        "<!DOCTYPE A SYSTEM \"file:///etc/passwd\"><A/>",
        "<?xml version=\"1.0\" encoding=\"UTF-7\"?><A/>",
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><A/>",
    ])
    func `what S3 never sends is refused`(text: String) {
        #expect(throws: XMLElement.Invalid.self) { _ = try parse(text) }
    }

    @Test func `a document in another encoding cannot hide a document type`() {
        let bytes = "<!DOCTYPE A><A/>".utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }

        #expect(throws: XMLElement.Invalid.self) {
            _ = try XMLElement(parsing: [0xFF, 0xFE] + bytes)
        }
        #expect(throws: XMLElement.Invalid.self) { _ = try XMLElement(parsing: bytes) }
        #expect(throws: XMLElement.Invalid.self) {
            _ = try XMLElement(parsing: [0x3C, 0xFF, 0x3E])
        }
    }

    @Test func `elements nest sixteen deep and no deeper`() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "<A>", count: depth) + String(repeating: "</A>", count: depth)
        }

        _ = try parse(nested(S3Limits.replyDepth))
        #expect(throws: XMLElement.Invalid.self) { _ = try parse(nested(S3Limits.replyDepth + 1)) }
    }

    @Test(arguments: UInt64(0)..<200)
    func `damaged bytes are an answer or an error, never a crash`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var bytes = Array("<A><B>x&amp;y</B><C a=\"1\"><![CDATA[z]]></C></A>".utf8)
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] =
                UInt8.random(in: 0...255, using: &random)
        }

        _ = try? XMLElement(parsing: bytes)
    }

    @Test(arguments: UInt64(0)..<100)
    func `what is escaped is read back to the same bytes`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let scalars = (0..<30).compactMap { _ in
            Unicode.Scalar(UInt32.random(in: 9...0x300, using: &random))
        }
        let text = String(String.UnicodeScalarView(scalars))
        guard let escaped = XMLText.escape(text) else {
            #expect(scalars.contains { $0.value < 0x20 && ![9, 10, 13].contains($0.value) })
            return
        }

        #expect(Array(try parse("<A>\(escaped)</A>").text.utf8) == Array(text.utf8))
    }
}

@Suite struct ListPageTests {
    private func page(_ inside: String) throws -> ListPage {
        try ListPage(parsing: Array("<ListBucketResult>\(inside)</ListBucketResult>".utf8))
    }

    @Test func `a page has its keys decoded and its times in milliseconds`() throws {
        let page = try page(
            """
            <EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
            <NextContinuationToken>a+b</NextContinuationToken>
            <Contents><Key>t/a+b%2Bc%C3%A9</Key><Size>5</Size><ETag>&quot;e&quot;</ETag>
            <LastModified>2013-05-24T00:00:00.123Z</LastModified></Contents>
            <CommonPrefixes><Prefix>t/%20x/</Prefix></CommonPrefixes>
            """)

        let entry = try #require(page.entries.first)
        #expect(entry.key == "t/a b+cé" && entry.size == 5 && entry.entityTag == "\"e\"")
        #expect(entry.modifiedMilliseconds == 1_369_353_600_123)
        #expect(page.prefixes == ["t/ x/"] && page.nextToken == "a+b")
    }

    @Test func `keys are taken as they are where the server encodes none`() throws {
        let page = try page(
            "<IsTruncated>false</IsTruncated><Contents><Key>a+b%20</Key><Size>0</Size></Contents>")

        #expect(page.entries.map(\.key) == ["a+b%20"] && page.nextToken == nil)
        #expect(page.entries[0].modifiedMilliseconds == nil, "no time is too young, P-17")
    }

    @Test(arguments: [
        "<IsTruncated>true</IsTruncated>", "<IsTruncated>maybe</IsTruncated>",
        "", "<Contents><Key>a</Key><Size>1</Size></Contents>",
        "<IsTruncated>false</IsTruncated><Contents><Key>a</Key></Contents>",
        "<IsTruncated>false</IsTruncated><Contents><Size>1</Size></Contents>",
        "<IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>-1</Size></Contents>",
        """
        <EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>
        <Contents><Key>a%2</Key><Size>1</Size></Contents>
        """,
        "<IsTruncated>true</IsTruncated><NextContinuationToken/>",
    ])
    func `a page that makes no sense is no page`(inside: String) {
        #expect(throws: CallFailure.self) { _ = try page(inside) }
    }

    @Test func `an answer of another kind is refused, an error is one`() {
        #expect(throws: CallFailure.self) { _ = try ListPage(parsing: Array("<Other/>".utf8)) }
        let late = "<Error><Code>AccessDenied</Code></Error>"
        let error = #expect(throws: CallFailure.self) {
            _ = try ListPage(parsing: Array(late.utf8))
        }
        #expect(error?.status == 403)
    }
}

@Suite struct SmallReplyTests {
    @Test func `a removal report keeps keys that look alike apart, P-10`() throws {
        let report = try RemovalReport(
            parsing: Array(
                """
                <DeleteResult><Deleted><Key>é</Key></Deleted><Error><Key>e\u{301}</Key>
                <Code>AccessDenied</Code></Error></DeleteResult>
                """.utf8))

        #expect(report.removed == [Array("é".utf8)])
        #expect(report.failed[Array("e\u{301}".utf8)]?.status == 403)
        #expect(report.failed[Array("é".utf8)] == nil)
    }

    @Test(arguments: [
        ("bytes 0-9/200", Int64(0)..<10), ("bytes 5-5/*", 5..<6), ("Bytes 10-19/20", 10..<20),
    ])
    func `a range is read from its header`(text: String, range: Range<Int64>) throws {
        #expect(try RangeReply.parse(text) == range)
    }

    @Test(arguments: ["", "bytes */200", "bytes 9-1/10", "items 0-1/2", "bytes 0-x/2", "bytes 0-1"])
    func `what is no range is no answer`(text: String) {
        #expect(throws: CallFailure.self) { _ = try RangeReply.parse(text) }
    }

    @Test(arguments: [
        ("Wed, 21 Oct 2015 07:28:00 GMT", Int64?(1_445_412_480_000)),
        ("Fri, 24 May 2013 00:00:00 GMT", 1_369_353_600_000),
        ("Fri, 24 Mai 2013 00:00:00 GMT", nil),
        ("2013-05-24T00:00:00Z", nil), ("", nil),
    ])
    func `a date of HTTP is read or is none`(text: String, milliseconds: Int64?) {
        #expect(HTTPDate.milliseconds(text) == milliseconds)
    }

    @Test func `a server's words are cut, and its region is passed on`() {
        let long = String(repeating: "x", count: 1000)
        let refusal = CallFailure.Refusal(
            status: 301,
            body: Array("<Error><Code>C</Code><Message>\(long)</Message></Error>".utf8),
            retryAfter: "7", region: "eu-west-1")

        #expect(refusal.reason.count == S3Limits.reasonCharacters)
        #expect(refusal.retryAfter == .seconds(7))
        let error = CallFailure.refused(refusal).storageError(.init("s3://b/k"))
        #expect("\(error)".contains("set AWS_REGION"))
    }
}
