// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HiveServer2

@Suite struct HandleTests {
    private let digits = String(repeating: "0a", count: 16)

    @Test func `a session is read back from its text`() throws {
        let handle = SessionHandle(
            try HandleIdentifier(guid: Array(0..<16), secret: Array(240...255)))

        #expect(SessionHandle(text: handle.text) == handle)
        #expect(handle.name == "00010203-0405-0607-0809-0a0b0c0d0e0f")
        #expect(
            handle.text
                == "session/000102030405060708090a0b0c0d0e0f/f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
    }

    @Test(arguments: [(Int32(0), true), (3, false), (-1, true), (.max, false)])
    func `an operation is read back from its text`(type: Int32, hasResultSet: Bool) throws {
        let identifier = try HandleIdentifier(guid: Array(0..<16), secret: Array(240...255))
        let handle = OperationHandle(identifier, type: type, hasResultSet: hasResultSet)

        #expect(OperationHandle(text: handle.text) == handle)
    }

    @Test func `any other text is no handle`() {
        #expect(SessionHandle(text: "session/\(digits)/\(digits)") != nil)
        #expect(OperationHandle(text: "operation/\(digits)/\(digits)/0/rows") != nil)
        for text in [
            "", "session", "session//", "session/\(digits)", "session/\(digits)/\(digits)/",
            "session/\(digits)/\(digits.dropLast())", "session/\(digits)/\(digits)0a",
            "session/\(digits)/\(digits.uppercased())", "operation/\(digits)/\(digits)",
            "session/\(digits)/" + digits.dropLast() + "g",
        ] {
            #expect(SessionHandle(text: text) == nil, "\(text)")
        }
        for tail in ["", "/0", "/0/", "/0/yes", "/x/rows", "/+1/rows", "/4294967296/rows"] {
            #expect(OperationHandle(text: "operation/\(digits)/\(digits)\(tail)") == nil)
        }
    }
}
