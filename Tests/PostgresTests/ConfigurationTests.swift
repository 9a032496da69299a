// SPDX-License-Identifier: Apache-2.0

import Postgres
import Testing

@Suite struct ConfigurationTests {
    @Test(arguments: [
        ("postgres://u:p@h:1/d", "postgres://u@h:1/d"),
        ("postgresql://u@h/d", "postgres://u@h/d"),
        ("postgres://h/d", "postgres://h/d"),
        ("postgres://u:p%40%3A%2F@h:5433/d%20b?sslmode=require", "postgres://u@h:5433/d b"),
        ("postgres://[::1]:5432/d", "postgres://::1:5432/d"),
        ("postgres:///d?host=/run/postgresql&password=p", "postgres:///run/postgresql/d"),
        ("postgres://a:1,b:2/d", "postgres://a,b:1,2/d"),
    ])
    func `a URL is understood and shown without its password`(url: String, shown: String) throws {
        let configuration = try PostgresConfiguration(url: url)

        #expect(configuration.description == shown)
        #expect(configuration.debugDescription == shown)
        var dumped = ""
        dump(configuration, to: &dumped)
        #expect(!dumped.contains("p@") && !dumped.contains("\"p\""))
    }

    @Test(arguments: [
        "", "mysql://h/d", "host=h password=secret", "postgres://u:%zzsecret@h/d",
        "postgres://h/d?secret=secret", "postgres://[::1/d",
    ])
    func `a bad URL is refused without quoting it`(url: String) {
        let error = #expect(throws: PostgresError.self) { try PostgresConfiguration(url: url) }

        #expect(error?.description.contains("secret") == false)
    }

    @Test func `parts make the same configuration as their URL`() throws {
        let parts = PostgresConfiguration(
            host: "h", port: 1, database: "d", user: "u", password: "p",
            parameters: ["sslmode": "require"])

        #expect(try parts == PostgresConfiguration(url: "postgres://u:p@h:1/d?sslmode=require"))
    }
}
