// SPDX-License-Identifier: Apache-2.0

import Jobs
import Logging
import NIOHTTP1
import Synchronization
import TestSupport
import Testing
import WireFormat

@testable import IcepackAPI

@Suite(.timeLimit(.minutes(15))) struct OperatingTests {
    private static func check(_ name: String, _ reply: Reply) -> JSONValue? {
        reply.json["checks"]?.objectValue?[name]?.objectValue?["ok"]
    }

    @Test func `readiness names every check and which of them failed`() async throws {
        try await withAPI {
            $0.tableCacheStaleness = .seconds(600)
        } _: { api in
            api.store.advance(by: .seconds(600))
            let ready = try await api.send(.GET, "/readyz")
            #expect(ready.status == 200)
            #expect(ready.json["status"] == "ready")

            api.store.advance(by: .milliseconds(1))
            let stale = try await api.send(.GET, "/readyz")
            #expect(stale.code == "not_ready")
            #expect(Self.check("store", stale) == true)
            #expect(Self.check("table_cache", stale) == false)

            try await api.store.replaceCachedTables([])
            api.store.inject(.every(.ping, .beforeEffect))
            let down = try await api.send(.GET, "/readyz")
            #expect(down.code == "not_ready")
            #expect(Self.check("store", down) == false)
            #expect(Self.check("table_cache", down) == true)
        }
    }

    @Test func `health is answered whatever the store does`() async throws {
        try await withAPI { api in
            api.store.inject(storeIsDown)

            let reply = try await api.send(.GET, "/healthz")
            #expect(reply.value == ["status": "ok"])
        }
    }

    @Test func `a request is logged with its template and without its names or keys`() async throws
    {
        let lines = LogLines()
        try await withAPI {
            $0.logger = Logger(label: "api") { _ in lines }
        } _: { api in
            _ = try await api.send(
                .POST, TestAPI.submitPath, body: TestAPI.expire,
                headers: ["X-Request-Id": "r-1", "Idempotency-Key": "k-secret"])

            let line = try #require(lines.all.first { $0.hasPrefix("request ") })
            #expect(line.contains("http.route=/tables/{database}/{table}/maintenance"))
            #expect(line.contains("http.status=202"))
            #expect(line.contains("request.id=r-1"))
            #expect(line.contains("http.method=POST"))
            #expect(!lines.all.joined().contains("k-secret"))
        }
    }
}

/// Keeps the lines that are logged.
private struct LogLines: LogHandler {
    private final class Storage: Sendable {
        let lines = Mutex<[String]>([])
    }

    private let storage = Storage()
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    var all: [String] { storage.lines.withLock { $0 } }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let merged = metadata.merging(event.metadata ?? [:]) { $1 }
        let text = merged.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        storage.lines.withLock { $0.append("\(event.message) \(text.joined(separator: " "))") }
    }
}
