// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HiveServer2

/// The bytes of each call, derived by hand from TBinaryProtocol and the interface's definition.
@Suite struct CallGoldenTests {
    /// A call's envelope: version and type, the name with its length, the sequence.
    private static func envelope(_ method: String, _ lengthAndSequence: (String, String)) -> String
    {
        "80010001 " + lengthAndSequence.0 + Array(method.utf8).hexadecimal + lengthAndSequence.1
    }

    /// TSessionHandle's or TOperationHandle's first field with the guid and secret of the tests.
    private static func identifier(_ guid: String, _ secret: String) -> String {
        "0C0001" + "0B0001 00000010" + guid + "0B0002 00000010" + secret + "00"
    }

    private static let session =
        "0C0001"
        + identifier("00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100")
        + "00"

    private static let operation =
        "0C0001"
        + identifier("ffeeddccbbaa99887766554433221100", "00112233445566778899aabbccddeeff")
        + "080002 00000000" + "020003 01" + "00"

    private func expect(_ request: Request, sequence: Int32 = 1, _ golden: String) {
        let digits = golden.filter { $0 != " " }.lowercased()

        #expect(request.encoded(sequence: sequence).hexadecimal == digits)
    }

    @Test func `OpenSession names version, user and settings in their order`() {
        expect(
            .openSession(user: "ann", settings: ["b": "2", "a": "1"]), sequence: 0x0102_0304,
            Self.envelope("OpenSession", ("0000000B", "01020304"))
                + "0C0001" + "080001 00000009" + "0B0002 00000003 616E6E"
                + "0D0004 0B0B 00000002 00000001 61 00000001 31 00000001 62 00000001 32"
                + "00 00")
    }

    @Test func `CloseSession carries the session`() {
        expect(
            .closeSession(Replies.session),
            Self.envelope("CloseSession", ("0000000C", "00000001"))
                + "0C0001" + Self.session + "00 00")
    }

    @Test func `ExecuteStatement is always asynchronous`() {
        expect(
            .executeStatement(Replies.session, statement: "SELECT 1", timeLimitSeconds: nil),
            Self.envelope("ExecuteStatement", ("00000010", "00000001"))
                + "0C0001" + Self.session + "0B0002 00000008 53454C4543542031" + "020004 01"
                + "00 00")
    }

    @Test func `ExecuteStatement carries a time limit in seconds`() {
        expect(
            .executeStatement(Replies.session, statement: "ü", timeLimitSeconds: 258),
            Self.envelope("ExecuteStatement", ("00000010", "00000001"))
                + "0C0001" + Self.session + "0B0002 00000002 C3BC" + "020004 01"
                + "0A0005 0000000000000102" + "00 00")
    }

    @Test(arguments: [(false, "00"), (true, "01")])
    func `GetOperationStatus says whether progress is wanted`(wants: Bool, byte: String) {
        expect(
            .operationStatus(Replies.operation, wantsProgress: wants),
            Self.envelope("GetOperationStatus", ("00000012", "00000001"))
                + "0C0001" + Self.operation + "020002" + byte + "00 00")
    }

    @Test func `the calls with an operation alone differ in their name`() {
        let tail = "0C0001" + Self.operation + "00 00"

        expect(
            .cancelOperation(Replies.operation),
            Self.envelope("CancelOperation", ("0000000F", "00000001")) + tail)
        expect(
            .closeOperation(Replies.operation),
            Self.envelope("CloseOperation", ("0000000E", "00000001")) + tail)
        expect(
            .resultSetMetadata(Replies.operation),
            Self.envelope("GetResultSetMetadata", ("00000014", "00000001")) + tail)
    }

    @Test func `FetchResults says from where, how many and of what`() {
        expect(
            .fetchResults(
                Replies.operation, .init(orientation: .first, content: .log, maximumRows: 1000)),
            Self.envelope("FetchResults", ("0000000C", "00000001"))
                + "0C0001" + Self.operation + "080002 00000004" + "0A0003 00000000000003E8"
                + "060004 0001" + "00 00")
    }

    @Test func `the SASL opening is START with the mechanism and OK with the credentials`() {
        let bytes = SASLNegotiation.opening(user: "ann", password: "pw")

        #expect(
            bytes.hexadecimal == "0100000005" + "504c41494e" + "0200000007" + "00616e6e007077")
    }
}
