// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HiveServer2

@Suite struct ConfigurationTests {
    private typealias Change = @Sendable (inout HiveServer2Configuration) -> Void

    private static let sound = HiveServer2Configuration(
        host: "spark.example", port: 10_009,
        authentication: .plain(user: "ann", password: "s3cret"), replyLimit: .seconds(6))

    private static let wrong: [(String, Change)] = [
        ("the host must be a name or an address", { $0.host = "" }),
        ("the host must be a name or an address", { $0.host = "a/b" }),
        ("the host must be a name or an address", { $0.host = "a b" }),
        ("the port must be between 1 and 65535", { $0.port = 0 }),
        ("the port must be between 1 and 65535", { $0.port = 65_536 }),
        ("the limit for connecting must be above zero", { $0.connectLimit = .zero }),
        ("the limit for a reply must exceed 5.0 seconds", { $0.replyLimit = .seconds(5) }),
        ("the path has characters of no path", { $0.transport = .http(path: "a b") }),
        ("the path has characters of no path", { $0.transport = .http(path: "a?b") }),
        (
            "the user must be named, without U+0000",
            { $0.authentication = .plain(user: "", password: "x") }
        ),
        (
            "the user must be named, without U+0000",
            { $0.authentication = .plain(user: "a\0b", password: "x") }
        ),
        (
            "the password must not be empty or contain U+0000",
            { $0.authentication = .plain(user: "a", password: "") }
        ),
        (
            "the user of Basic authentication must not contain a colon",
            {
                $0.transport = .http()
                $0.authentication = .plain(user: "a:b", password: "x")
            }
        ),
    ]

    @Test func `what cannot work is refused, and says what to change`() throws {
        _ = try HiveServer2Client(Self.sound)
        for (reason, change) in Self.wrong {
            var configuration = Self.sound
            change(&configuration)

            #expect(throws: HiveServer2Error.misuse(reason: reason)) {
                try HiveServer2Client(configuration)
            }
        }
    }

    @Test func `the edges of ports and of the reply's limit are taken`() throws {
        for port in [1, 65_535] {
            var configuration = Self.sound
            configuration.port = port
            configuration.replyLimit = .milliseconds(5001)
            try configuration.check()
        }
    }

    @Test func `no text of a configuration or a handle shows a secret`() {
        var texts: [String] = []
        var dumped = ""
        for transport in [HiveServer2Configuration.Transport.binary, .http()] {
            var configuration = Self.sound
            configuration.transport = transport
            dump(configuration, to: &dumped)
            texts += ["\(configuration)", String(reflecting: configuration)]
        }
        dump(Replies.session, to: &dumped)
        dump(Replies.operation, to: &dumped)
        texts += [dumped, "\(Replies.session)", String(reflecting: Replies.operation)]

        for text in texts {
            #expect(!text.contains("s3cret"))
            #expect(!text.contains(Replies.session.identifier.secret.hexadecimal))
            #expect(!text.contains(Replies.operation.identifier.secret.hexadecimal))
            #expect(!text.contains("\(Replies.session.identifier.secret)"))
        }
        #expect(texts.contains("hive2://ann@spark.example:10009"))
        #expect(texts.contains("http://ann@spark.example:10009/cliservice"))
        #expect(texts.contains("session 00112233-4455-6677-8899-aabbccddeeff"))
    }

    @Test func `the first line of a message is what is for people`() {
        #expect(HiveServer2Error.firstLine(of: "\n  \nno table\n\tat x") == "no table")
        #expect(HiveServer2Error.firstLine(of: "") == "no message")
        let long = String(repeating: "x", count: HiveServer2Error.firstLineCharacters + 1)
        #expect(
            HiveServer2Error.firstLine(of: long).count == HiveServer2Error.firstLineCharacters)
    }
}
