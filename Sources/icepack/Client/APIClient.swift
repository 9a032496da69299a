// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Fleet
import NIOCore
import NIOHTTP1
import WireFormat

/// Speaks the REST contract to a running service.
struct APIClient {
    /// The service's address without a slash at its end.
    let baseURL: String

    /// What the commands ask with.
    enum Method: String {
        case get = "GET"
        case post = "POST"
    }

    /// The largest answer that is read.
    static let maximumAnswerBytes = 64 << 20

    /// Requests that are under way at once: room for every question that the orchestrator asks at
    /// once, for the jobs that it follows, and for an event stream.
    static let connections = OrchestratorSettings.assessmentWidth * 2

    /// One for the whole process, as long as that lives; the library's own shared one has half as
    /// many connections as the orchestrator has questions, so that some would wait in vain.
    private static let http: HTTPClient = {
        var settings = HTTPClient.Configuration.singletonConfiguration
        settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
    }()

    init(baseURL: String) {
        self.baseURL = baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL
    }

    /// Sends one request and reads its JSON answer; a problem document is thrown.
    func send(
        _ method: Method, _ path: String, body: JSONValue? = nil,
        headers: [(String, String)] = []
    ) async throws(ClientFailure) -> JSONValue {
        try await exchange(method, path, body: body, headers: headers).json
    }

    /// The same, with what `Retry-After` says.
    func exchange(
        _ method: Method, _ path: String, body: JSONValue? = nil,
        headers: [(String, String)] = []
    ) async throws(ClientFailure) -> (json: JSONValue, retryAfter: Duration?) {
        let response = try await open(method, path, body: body, headers: headers)
        do {
            let buffer = try await response.body.collect(upTo: Self.maximumAnswerBytes)
            let json = try decoded(
                Array(buffer.readableBytesView), status: Int(response.status.code))
            let seconds = response.headers.first(name: "Retry-After").flatMap { UInt32($0) }
            return (json, seconds.map { .seconds(Int64($0)) })
        } catch let failure as ClientFailure {
            throw failure
        } catch {
            throw .unreachable(url: baseURL, reason: "\(error)")
        }
    }

    /// Calls the closure with each state of a job that the event stream tells of, to its end.
    func follow(
        job id: String, _ show: (JSONValue) -> Void
    ) async throws(ClientFailure) {
        let response = try await open(.get, "/jobs/\(id)/events", accept: "text/event-stream")
        do {
            guard response.status == .ok else {
                let buffer = try await response.body.collect(upTo: Self.maximumAnswerBytes)
                _ = try decoded(Array(buffer.readableBytesView), status: Int(response.status.code))
                return
            }
            var reader = EventStreamReader()
            for try await buffer in response.body {
                for data in reader.take(buffer.readableBytesView) {
                    if let value = try? JSONValue(parsing: data) { show(value) }
                }
            }
        } catch let failure as ClientFailure {
            throw failure
        } catch {
            throw .unreachable(url: baseURL, reason: "\(error)")
        }
    }

    private func open(
        _ method: Method, _ path: String, body: JSONValue? = nil,
        headers: [(String, String)] = [], accept: String = "application/json"
    ) async throws(ClientFailure) -> HTTPClientResponse {
        var request = HTTPClientRequest(url: baseURL + path)
        request.method = .RAW(value: method.rawValue)
        request.headers.add(name: "Accept", value: accept)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body.bytes()))
        }
        do {
            // An event stream is open for as long as its job runs; its heartbeat keeps it alive.
            let limit: TimeAmount = accept == "application/json" ? .seconds(60) : .hours(24 * 365)
            return try await Self.http.execute(request, timeout: limit)
        } catch {
            throw .unreachable(url: baseURL, reason: "\(error)")
        }
    }

    private func decoded(_ bytes: [UInt8], status: Int) throws(ClientFailure) -> JSONValue {
        if (200..<300).contains(status), bytes.isEmpty { return .null }
        guard let value = try? JSONValue(parsing: bytes) else {
            throw .unexpected(
                reason: "\(baseURL) answered \(status) with something that is not JSON")
        }
        guard !(200..<300).contains(status) else { return value }
        throw .problem(
            status: status, code: value.objectValue?["code"]?.stringValue,
            detail: value.objectValue?["detail"]?.stringValue ?? "the service answered \(status)",
            body: value)
    }
}

/// Cuts a `text/event-stream` into the data of its events.
struct EventStreamReader {
    private var line: [UInt8] = []
    private var data: [UInt8] = []

    init() {}

    /// The data of the events that end within these bytes.
    mutating func take(_ bytes: some Sequence<UInt8>) -> [[UInt8]] {
        var events: [[UInt8]] = []
        for byte in bytes {
            if byte != UInt8(ascii: "\n") {
                if byte != UInt8(ascii: "\r") { line.append(byte) }
                continue
            }
            if line.isEmpty {
                if !data.isEmpty { events.append(data) }
                data = []
            } else if line.starts(with: "data:".utf8) {
                data += line.dropFirst("data:".utf8.count).drop { $0 == UInt8(ascii: " ") }
            }
            line = []
        }
        return events
    }
}
