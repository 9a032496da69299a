// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import S3Storage

@Suite struct ProfileFileTests {
    @Test func `profiles, comments and nested settings are read`() throws {
        let file = try ProfileFile(
            parsing: """
                # comment
                [default]
                region = eu-west-1 # where
                aws_access_key_id=AK#ID
                ; other
                [profile  dev ]
                role_arn = arn:aws:iam::1:role/a=b
                s3 =
                  addressing_style = path
                REGION = us-east-1

                [sso-session x]
                sso_region = r
                [profiled]
                a = b
                """, kind: .config)

        #expect(file.profiles["default"] == ["region": "eu-west-1", "aws_access_key_id": "AK#ID"])
        #expect(
            file.profiles["dev"]
                == ["role_arn": "arn:aws:iam::1:role/a=b", "s3": "", "region": "us-east-1"])
        #expect(Set(file.profiles.keys) == ["default", "dev"])
    }

    @Test func `sections of the credentials file are profiles as they are called`() throws {
        let file = try ProfileFile(parsing: "[dev]\r\na = b\r\n[empty]\r\n", kind: .credentials)

        #expect(file.profiles == ["dev": ["a": "b"], "empty": [:]])
    }

    @Test func `the credentials file wins over the configuration`() throws {
        var config = try ProfileFile(parsing: "[default]\na = 1\nb = 2", kind: .config)
        config.overlay(try ProfileFile(parsing: "[default]\na = 3", kind: .credentials))

        #expect(config.profiles["default"] == ["a": "3", "b": "2"])
    }

    @Test(arguments: [("[default", 1), ("a = b", 1), ("[x]\nno setting", 2)])
    func `what is no setting is named by its line`(text: String, line: Int) {
        let error = #expect(throws: ProfileFile.Invalid.self) {
            _ = try ProfileFile(parsing: text, kind: .credentials)
        }
        #expect(error?.line == line)
    }
}
