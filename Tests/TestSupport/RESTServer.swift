// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
public import WireFormat

/// `rest_catalog.py`: a server of the Iceberg REST protocol over PyIceberg's own catalog, with
/// faults on request.
///
/// One process serves all tests of a run; each makes a catalog of its own in it.
public struct RESTServer: Sendable {
    /// Why a call to it failed.
    public struct Failure: Error, CustomStringConvertible {
        /// The text for people.
        public let description: String
    }

    /// At 127.0.0.1.
    public let port: Int

    /// The server that this process's tests share; started on first use.
    public static func shared() async throws -> RESTServer { try await sharedStart.value }

    /// Unstructured because it outlives the test that happens to come first.
    private static let sharedStart = Task { try await start() }

    /// Starts a server of its own; with a certificate and its key, one over TLS.
    public static func start(
        certificate: String? = nil, key: String? = nil
    ) async throws -> RESTServer {
        guard let python = Oracles.python,
            let program = Oracles.find("Tests/Oracles/rest_catalog.py")
        else { throw Failure(description: Oracles.reason) }
        var command = [python, program]
        if let certificate, let key { command += ["--certificate", certificate, "--key", key] }
        let line = try await ServerProcess.launch(command, ready: #"{"port""#)
        guard let port = try JSONValue(parsing: line).objectValue?["port"]?.intValue else {
            throw Failure(description: "not what rest_catalog.py should print: \(line)")
        }
        return RESTServer(port: port)
    }

    /// Makes an empty catalog, with options as `rest_catalog.py` describes them.
    public func makeCatalog(
        folder: String, options: JSONObject = JSONObject()
    ) async throws -> Catalog {
        try await makeCatalog(
            database: "\(folder)/c\(UInt64.random(in: 0 ... .max)).db", warehouse: "\(folder)/wh",
            options: options)
    }

    /// Makes a catalog over a database of PyIceberg's, with options as `rest_catalog.py` describes
    /// them.
    public func makeCatalog(
        database: String, warehouse: String = "", options: JSONObject
    ) async throws -> Catalog {
        let catalog = Catalog(server: self, name: "c\(UInt64.random(in: 0 ... .max))")
        _ = try await catalog.control(
            "create",
            [
                "warehouse": .string(warehouse), "database": .string(database),
                "options": .object(options),
            ])
        return catalog
    }

    /// One catalog of the server.
    public struct Catalog: Sendable {
        let server: RESTServer
        let name: String

        /// The root of its URLs.
        public var uri: String { "http://127.0.0.1:\(server.port)/\(name)" }

        /// Adds a table by its metadata file, and its namespaces where they are missing.
        public func register(
            namespace: [String], name: String, location: String
        ) async throws {
            _ = try await control(
                "register",
                [
                    "namespace": .array(namespace.map(JSONValue.string)), "name": .string(name),
                    "location": .string(location),
                ])
        }

        /// Makes the next request that matches fail, as `rest_catalog.py` describes.
        public func inject(_ fault: JSONValue) async throws {
            _ = try await control("fault", ["fault": fault])
        }

        /// The requests so far: `method`, `path`, `headers` by names in lower case, `body`.
        public func calls() async throws -> [JSONObject] {
            let reply = try await control("calls", [:])
            return reply["calls"]?.arrayValue?.compactMap(\.objectValue) ?? []
        }

        func control(_ order: String, _ members: [String: JSONValue]) async throws -> JSONObject {
            var body = JSONObject([
                .init(key: "catalog", value: .string(name)),
                .init(key: "do", value: .string(order)),
            ])
            for (key, value) in members { body[key] = value }
            var request = HTTPClientRequest(url: "http://127.0.0.1:\(server.port)/control")
            request.method = .POST
            request.body = .bytes(ByteBuffer(bytes: JSONValue.object(body).bytes()))
            let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
            let bytes = Array(try await answer.body.collect(upTo: 1 << 26).readableBytesView)
            guard answer.status == .ok, let reply = try JSONValue(parsing: bytes).objectValue else {
                throw Failure(description: "\(order): \(String(decoding: bytes, as: UTF8.self))")
            }
            return reply
        }
    }
}
