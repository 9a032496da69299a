// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import IcebergSpec

struct ConditionTests {
    private func problem(_ text: String) -> String? {
        do throws(ConditionError) {
            _ = try Condition(parsing: text)
            return nil
        } catch {
            return error.description
        }
    }

    @Test(arguments: [
        "id = 1", "1 = id", "id == 1", "id <> -1", "id != +1", "id <=> 1", "id>=1L", "x < .5",
        "x > 1.5e-3", "id IN (1, 2,3)", "id not in (1)", "id is null", "id IS NOT NULL",
        "x IS NAN", "x is not nan", "isnan(x)", "isnull(id)", "isnotnull(id)", "flag", "NOT flag",
        "! flag", "flag IS TRUE", "flag IS NOT FALSE", "TRUE", "a = 'x' AND b = 2 OR NOT (c = 3)",
        "name LIKE 'x%'", "name NOT LIKE 'x%%'", "name LIKE '50\\\\%%'", "name = \"foo\"",
        "id BETWEEN 1 AND 5 AND x > 2", "id NOT BETWEEN 1 AND 5", "`a.b`.c.`d``e` = 1",
        "d = DATE '2026-01-31'", "date > '2026-01-31'", "t < TIMESTAMP '2026-01-31 10:00:00'",
        "t < timestamp_ntz'2026-01-31T10:00:00.123'", "b = X'1f2E'", "name = 'it\\'s'",
        "\n id\t=\n1 ",
    ])
    func `what Spark takes is understood`(text: String) {
        #expect(problem(text) == nil)
    }

    @Test(arguments: [
        ("", "has the end where the name of a column should be, at character 1"),
        ("id =", "has the end where a literal should be, at character 5"),
        ("id = 1 id", "has \"id\" where AND, OR or the end should be, at character 8"),
        ("id = other", "has \"other\" where a literal should be, at character 6"),
        ("(id = 1", "has the end where \")\" should be, at character 8"),
        ("id = NULL", "compares with NULL, which no row passes; write IS NULL or IS NOT NULL"),
        ("id NOT IN (1, NULL)", "compares with NULL"),
        ("name LIKE '%x'", "only plain text with % at its end is, at character 11"),
        ("name LIKE 'a_b%'", "has a pattern that is not understood"),
        ("name LIKE 'a' ESCAPE '/'", "where AND, OR or the end should be"),
        ("name = 'it''s'", "write \\' for a quote within it, at character 12"),
        ("name = 'x' 'y' ", "where AND, OR or the end should be"),
        ("name = 'x", "has a quote that is not closed, at character 8"),
        ("`name = 1", "has a back quote that is not closed"),
        ("name = 'a\\x'", "has the escape \\x, which is not understood"),
        ("upper(name) = 'X'", "calls upper, and functions are not understood"),
        ("x = 1.5F", "has a number that goes on with \"F\""),
        ("id = CAST('1' AS INT)", "has \"CAST\" where a literal should be"),
        ("d = INTERVAL '1'", "has INTERVAL before text, which is not understood"),
        ("b = X'1'", "not an even number of hexadecimal digits"),
        ("id + 1 = 2", "has \"+\" where AND, OR or the end should be"),
        ("id = 1; DROP", "has \";\", which is not understood"),
        ("1 = 1", "has \"1\" where the name of a column should be"),
        ("id IS 5", "where NULL, NAN, TRUE or FALSE should be"),
        ("id NOT 5", "where IN, LIKE or BETWEEN should be"),
        ("AND = 1", "has \"AND\" where the name of a column should be"),
    ])
    func `what is not understood is refused, with the place and what to write`(
        text: String, message: String
    ) throws {
        let problem = try #require(self.problem(text))

        #expect(problem.contains(message))
    }

    @Test func `a condition is as deep as is allowed, and no deeper`() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "NOT (", count: depth / 2) + "id = 1"
                + String(repeating: ")", count: depth / 2)
        }

        #expect(problem(nested(Condition.maximumDepth)) == nil)
        let message = try #require(problem(nested(Condition.maximumDepth + 2)))
        #expect(message.contains("nests more than 64 parentheses and NOTs"))
    }

    @Test func `what is side by side is not deep`() {
        let text = Array(repeating: "(id = 1)", count: 2000).joined(separator: " OR ")

        #expect(problem(text) == nil)
    }

    @Test func `a condition is as long as is allowed, and no longer`() throws {
        let padding = String(repeating: " ", count: Condition.maximumLength - 6)

        #expect(problem("id = 1" + padding) == nil)
        let message = try #require(problem("id = 1 " + padding))
        #expect(message.contains("has 65537 bytes and may have 65536"))
    }

    @Test(arguments: 1...200)
    func `no damage to a condition ends the program`(seed: Int) {
        var randomness = SeededGenerator(seed: UInt64(seed))
        let whole = "NOT (`a.b`.c IN (1, -2.5e3, 'x\\'%') OR d <= DATE '2026-01-31') AND x IS NAN"
        var text = Array(whole.unicodeScalars)
        for _ in 0..<Int.random(in: 1...6, using: &randomness) {
            let index = Int.random(in: 0..<text.count, using: &randomness)
            switch Int.random(in: 0..<3, using: &randomness) {
            case 0: text.remove(at: index)
            case 1: text.insert(text.randomElement(using: &randomness) ?? "x", at: index)
            default:
                let stray: [Unicode.Scalar] = ["\u{fc}", "'", "(", "\0", "9"]
                text[index] = stray.randomElement(using: &randomness) ?? "x"
            }
        }
        var damaged = String.UnicodeScalarView()
        damaged.append(contentsOf: text)

        #expect(problem(String(damaged))?.isEmpty != true)
    }
}
