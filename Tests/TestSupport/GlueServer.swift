// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
public import WireFormat

/// `moto_glue.py`: moto's Glue with signatures enforced, versions checked, lists in pages, and
/// faults on request.
public struct GlueServer: Sendable {
    /// Why a call to it failed.
    public struct Failure: Error, CustomStringConvertible {
        /// The text for people.
        public let description: String
    }

    /// At 127.0.0.1.
    public let port: Int
    /// Names a key that may do everything.
    public let accessKeyID: String
    /// That key's secret.
    public let secretAccessKey: String

    /// Where calls go.
    public var endpoint: String { "http://127.0.0.1:\(port)" }

    /// The server that this process's tests share; started on first use.
    public static func shared() async throws -> GlueServer { try await sharedStart.value }

    /// Unstructured because it outlives the test that happens to come first.
    private static let sharedStart = Task { try await start() }

    /// Starts a server of its own, for tests that make its calls fail.
    public static func start() async throws -> GlueServer {
        guard let python = Oracles.python, let program = Oracles.find("Tests/Oracles/moto_glue.py")
        else { throw Failure(description: Oracles.reason) }
        let line = try await ServerProcess.launch([python, program], ready: #"{"port""#)
        let reply = try JSONValue(parsing: line).objectValue
        guard let port = reply?["port"]?.intValue, let key = reply?["access_key"]?.stringValue,
            let secret = reply?["secret_key"]?.stringValue
        else { throw Failure(description: "not what moto_glue.py should print: \(line)") }
        return GlueServer(port: port, accessKeyID: key, secretAccessKey: secret)
    }

    /// Runs PyIceberg's GlueCatalog, by `glue_catalog.py`.
    @discardableResult
    public func pyIceberg(
        _ command: String, _ table: String, _ place: String? = nil
    ) async throws -> JSONObject {
        let reply = try await Oracles.run(
            "glue_catalog.py",
            [command, endpoint, accessKeyID, secretAccessKey, table] + (place.map { [$0] } ?? []))
        guard let object = reply.objectValue else {
            throw Failure(description: "not what glue_catalog.py should print: \(reply)")
        }
        return object
    }

    /// Makes the next call of an operation fail, as `moto_glue.py` describes.
    public func inject(_ operation: String, _ fault: JSONObject) async throws {
        var fault = fault
        fault["operation"] = .string(operation)
        _ = try await control(.POST, JSONValue.object(fault).bytes())
    }

    /// What the updates of tables so far asked for.
    public func updates() async throws -> [JSONObject] {
        let reply = try await control(.GET, [])
        return reply["updates"]?.arrayValue?.compactMap(\.objectValue) ?? []
    }

    private func control(_ method: HTTPMethod, _ body: [UInt8]) async throws -> JSONObject {
        var request = HTTPClientRequest(url: endpoint + "/control")
        request.method = method
        if !body.isEmpty { request.body = .bytes(ByteBuffer(bytes: body)) }
        let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let bytes = Array(try await answer.body.collect(upTo: 1 << 26).readableBytesView)
        guard answer.status == .ok, let reply = try JSONValue(parsing: bytes).objectValue else {
            throw Failure(description: String(decoding: bytes, as: UTF8.self))
        }
        return reply
    }
}
