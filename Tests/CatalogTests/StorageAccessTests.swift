// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import ObjectStorage
import Testing

@Suite struct StorageAccessTests {
    let access = StorageAccess(
        properties: ["s3.region": "eu-1", "s3.access-key-id": "table"],
        credentials: [
            .init(prefix: "s3://b/", properties: ["s3.access-key-id": "bucket"]),
            .init(prefix: "s3://b/deep/", properties: ["s3.access-key-id": "deep-s3cret"]),
        ])

    @Test(arguments: [
        ("s3://b/x", "bucket"), ("s3://b/deep/x", "deep-s3cret"), ("s3://b", "table"),
        ("s3://b/deeper", "bucket"), ("s3a://b/x", "table"),
    ])
    func `the longest prefix decides, byte by byte`(location: String, key: String) {
        let found = access.properties(for: Location(location))

        #expect(found == ["s3.region": "eu-1", "s3.access-key-id": key])
    }

    @Test func `no text form shows a value`() {
        let texts = [
            "\(access)", String(reflecting: access), "\(access.credentials)",
            String(describing: Mirror(reflecting: access).children.map(\.value)),
        ]

        for text in texts { #expect(!text.contains("s3cret") && !text.contains("eu-1")) }
        #expect("\(access)".contains("s3.access-key-id"))
    }
}
