// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HiveServer2

@Suite struct HandleTests {
    @Test func `a session handle is read back from its text`() throws {
        let handle = SessionHandle(
            try HandleIdentifier(guid: Array(0..<16), secret: Array(240...255)))

        #expect(SessionHandle(text: handle.text) == handle)
        #expect(handle.name == "00010203-0405-0607-0809-0a0b0c0d0e0f")
    }
}
