// SPDX-License-Identifier: Apache-2.0

import Testing
import WireFormat

@Suite struct JSONTests {
    @Test(arguments: [
        #"{"b":1,"a":[1.50,1e3,-0,9223372036854775807],"c":null,"d":{"e":true,"f":""}}"#,
        #"["\u0001\"\\","\n\t","é😀"]"#, "0", #""""#,
    ])
    func `order and spelling survive a trip`(text: String) throws {
        #expect(try JSONValue(parsing: text).text() == text)
    }

    @Test func `escapes are read`() throws {
        let value = try JSONValue(parsing: #""\u00e9\ud83d\ude00\/\b\f\r""#)

        #expect(value == .string("é😀/\u{8}\u{c}\r"))
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\":1,}", "{'a':1}", "nul", "01", "1.", "+1", ".5", "1e", "\"",
        "\"\\x\"",
        "\"\\ud800\"", "\"\u{1}\"", "{\"a\":1,\"a\":2}", "1 2", "NaN", "[1 2]",
    ])
    func `what is not JSON is refused`(text: String) {
        #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: text) }
    }

    /// Few keys are compared, many are hashed.
    @Test(arguments: [2, 15, 16, 17, 18, 40])
    func `a key that comes twice is named, wherever it was`(count: Int) throws {
        for first in 0..<count - 1 {
            var keys = (0..<count).map { "k\($0)" }
            _ = try JSONValue(parsing: Self.object(keys))
            keys[count - 1] = keys[first]
            #expect {
                try JSONValue(parsing: Self.object(keys))
            } throws: { error in
                (error as? JSONSyntaxError)?.duplicateKey == keys[first]
            }
        }
    }

    private static func object(_ keys: [String]) -> String {
        "{" + keys.map { "\"\($0)\":1" }.joined(separator: ",") + "}"
    }

    @Test func `bytes that are not UTF-8 are refused`() {
        #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: [0x22, 0xFF, 0x22]) }
    }

    @Test func `nesting is limited at its edge`() throws {
        let depth = JSONValue.maximumDepth
        let allowed = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)

        _ = try JSONValue(parsing: allowed)
        #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: "[" + allowed + "]") }
    }

    @Test func `integers are exact or nothing`() throws {
        #expect(try JSONValue(parsing: "9007199254740993").int64Value == 9_007_199_254_740_993)
        #expect(try JSONValue(parsing: "1e3").int64Value == 1000)
        #expect(try JSONValue(parsing: "1.5").int64Value == nil)
        #expect(try JSONValue(parsing: "1e30").int64Value == nil)
    }

    @Test func `a misspelt name finds its neighbour`() {
        let names = ["older_than", "retain_last", "snapshot_ids", "max_concurrent_deletes"]

        #expect(ClosestName.suggestion(for: "retain-lst", among: names) == "retain_last")
        #expect(ClosestName.suggestion(for: "colour", among: names) == nil)
    }
}
