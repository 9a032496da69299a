// SPDX-License-Identifier: Apache-2.0

import ObjectStorage
import Testing

@testable import S3Storage

@Suite struct S3AddressTests {
    @Test(arguments: [
        ("s3://bucket/a/b", "bucket", "a/b"), ("S3A://bucket/a", "bucket", "a"),
        ("s3n://b.c-d_e/x", "b.c-d_e", "x"), ("s3://bucket", "bucket", ""),
        ("s3://bucket/", "bucket", ""), ("s3://bucket//a", "bucket", "/a"),
        ("s3://bucket/a//b/../c%20d?e#f", "bucket", "a//b/../c%20d?e#f"),
        ("s3://bucket/e\u{301}/ü ", "bucket", "e\u{301}/ü "), ("s3://bucket/a/", "bucket", "a/"),
    ])
    func `a key is all that follows the bucket, byte for byte, P-10`(
        text: String, bucket: String, key: String
    ) throws {
        let address = try S3Address(Location(text))

        #expect(address.bucket == bucket)
        #expect(Array(address.key.utf8) == Array(key.utf8))
    }

    @Test(arguments: [
        "file:///a", "/a/b", "s3:/bucket/a", "s3:bucket/a", "s3://", "s3:///a", "s3://a:9000/b",
        "s3://user@bucket/a", "s3://bücket/a", "s3://arn:aws:s3:us-east-1:1:accesspoint/x/a",
        "s3://./a", "s3://../a", "s3://a b/c", "gs://bucket/a", "s3b://bucket/a",
    ])
    func `what is no location of S3 is refused, P-04`(text: String) {
        #expect(throws: StorageError.self) { _ = try S3Address(Location(text)) }
    }

    @Test func `a listing's locations are spelled like its prefix`() throws {
        let address = try S3Address(Location("S3a://bucket/t"))

        #expect(address.location(ofKey: "t/x//y").rawValue == "S3a://bucket/t/x//y")
        #expect(address.keyPrefix == "t/")
        #expect(try S3Address(Location("s3://bucket/t/")).keyPrefix == "t/")
        #expect(try S3Address(Location("s3://bucket/t//")).keyPrefix == "t//")
        #expect(try S3Address(Location("s3://bucket")).keyPrefix == "")
        #expect(try S3Address(Location("s3://bucket/")).keyPrefix == "")
    }

    @Test func `a key may have 1024 bytes to be written`() throws {
        let longest = String(repeating: "é", count: S3Limits.keyBytes / 2)

        #expect(try S3Address.newObject(Location("s3://b/\(longest)")).key == longest)
        #expect(throws: StorageError.self) {
            _ = try S3Address.newObject(Location("s3://b/\(longest)x"))
        }
        #expect(try S3Address.object(Location("s3://b/\(longest)x")).key == longest + "x")
        #expect(throws: StorageError.self) { _ = try S3Address.object(Location("s3://b/")) }
    }

    @Test func `a prefix keeps the slash without which it would be another`() {
        #expect(S3Storage.withoutSlash("a/b/") == "a/b")
        #expect(S3Storage.withoutSlash("a//") == "a//")
    }
}

@Suite struct S3EndpointTests {
    @Test func `Amazon's endpoints take the bucket as a host, where it can be one`() {
        let endpoint = S3Endpoint(region: "eu-west-1")

        let plain = endpoint.target(bucket: "bucket", key: "a b/é//..")
        #expect(plain.host == "bucket.s3.eu-west-1.amazonaws.com")
        #expect(plain.path == "/a%20b/%C3%A9//..")
        let dotted = endpoint.target(bucket: "my.bucket", key: "a")
        #expect(dotted.host == "s3.eu-west-1.amazonaws.com")
        #expect(dotted.path == "/my.bucket/a")
        #expect(S3Endpoint(region: "cn-north-1").authority == "s3.cn-north-1.amazonaws.com.cn")
    }

    @Test(arguments: [
        "ab", "Bucket", "under_score", "-a-b", "a..b", String(repeating: "a", count: 64),
    ])
    func `a bucket that is no host name goes into the path`(bucket: String) {
        let target = S3Endpoint(region: "us-east-1").target(bucket: bucket, key: "k")

        #expect(target.path == "/\(bucket)/k")
    }

    @Test(arguments: [
        ("http://127.0.0.1:9000", "127.0.0.1:9000", "/b/k"),
        ("https://host:443/", "host", "/b/k"), ("http://host:80", "host", "/b/k"),
        ("https://host:80", "host:80", "/b/k"), ("HTTPS://host/s3/v1/", "host", "/s3/v1/b/k"),
        ("http://[::1]:9000", "[::1]:9000", "/b/k"),
    ])
    func `an endpoint of its own is taken with port and path`(
        url: String, host: String, path: String
    ) throws {
        let target = try S3Endpoint(url: url).target(bucket: "b", key: "k")

        #expect(target.host == host && target.path == path)
    }

    @Test func `a call about a bucket has no slash behind it`() throws {
        let endpoint = try S3Endpoint(url: "http://h")
        #expect(endpoint.target(bucket: "bkt", key: "").path == "/bkt")
        let virtual = try S3Endpoint(url: "http://h", style: .virtualHost)
        #expect(virtual.target(bucket: "bkt", key: "").path == "/")
        #expect(virtual.target(bucket: "bkt", key: "").host == "bkt.h")
    }

    @Test(arguments: [
        "host", "ftp://host", "http://", "http:///x", "http://user@host", "http://host?x=1",
        "http://host/a b", "http://host/%41", "http://ho st", "s3://bucket",
    ])
    func `what is no endpoint says what to change`(url: String) {
        #expect(throws: S3Endpoint.Invalid.self) { _ = try S3Endpoint(url: url) }
    }

    @Test func `only Amazon's hosts are Amazon's`() throws {
        #expect(S3Endpoint(region: "us-east-1").isAmazon)
        #expect(try S3Endpoint(url: "https://s3.eu-west-1.amazonaws.com").isAmazon)
        #expect(try !S3Endpoint(url: "https://amazonaws.com.example.org").isAmazon)
        #expect(try !S3Endpoint(url: "https://notamazonaws.com").isAmazon)
        #expect(try !S3Endpoint(url: "http://127.0.0.1").isAmazon)
    }
}
