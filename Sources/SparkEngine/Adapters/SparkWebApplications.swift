// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// Where Spark's interface and Kyuubi's administration are.
public struct SparkWebEndpoints: Hashable, Sendable {
    /// The root of Spark's own interface, such as `http://spark:4040`; nil for none.
    public var interface: String?
    /// The root of Kyuubi's REST interface, such as `http://kyuubi:10099`; nil for none.
    public var administration: String?
    /// The user in whose name sessions are opened, whose engines are meant.
    public var sessionUser: String?
    /// Who asks Kyuubi.
    public var user: String?
    /// The password of the one who asks; never shown.
    public var password: String?

    /// Takes every field.
    public init(
        interface: String? = nil, administration: String? = nil, sessionUser: String? = nil,
        user: String? = nil, password: String? = nil
    ) {
        self.interface = interface
        self.administration = administration
        self.sessionUser = sessionUser
        self.user = user
        self.password = password
    }
}

extension SparkWebEndpoints: CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The text for people, without the password.
    public var description: String {
        "interface \(interface ?? "none"), administration \(administration ?? "none")"
    }

    /// The same text as `description`.
    public var debugDescription: String { description }

    /// Shows the description only: a default mirror would show the password.
    public var customMirror: Mirror { Mirror(self, children: ["endpoints": description]) }
}

/// ``SparkApplications`` over HTTP: Spark's own interface, and Kyuubi's administration.
///
/// Call ``shutdown()`` when done.
public struct SparkWebApplications: SparkApplications {
    private let endpoints: SparkWebEndpoints
    private let client: HTTPClient

    /// How long one reply may take.
    public static let replyLimit = Duration.seconds(8)
    /// The most bytes of a reply.
    static let replyBytes = 32 << 20
    /// The most applications that are looked at.
    static let mostApplications = 20
    /// The most statements that are asked for; Spark remembers 1,000 unless told otherwise.
    static let mostStatements = 10_000

    /// Connects to nothing yet.
    public init(_ endpoints: SparkWebEndpoints) {
        self.endpoints = endpoints
        var configuration = HTTPClient.Configuration()
        // A job's kill is answered with a redirect to a page for people.
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = .seconds(5)
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Closes all connections.
    public func shutdown() async throws {
        try await client.shutdown()
    }

    /// Whether Spark's interface is configured.
    public var canWatch: Bool { endpoints.interface != nil }
    /// Whether Kyuubi's administration is configured.
    public var canEnd: Bool { endpoints.administration != nil }

    /// What runs in the applications now.
    public func activity() async throws(SparkApplicationsError) -> SparkActivity {
        let root = try interface
        let ids = try SparkWebReplies.applications(
            await get("\(root)/api/v1/applications?status=running"))
        guard ids.count <= Self.mostApplications else {
            throw .refused(
                reason: "\(ids.count) applications run there; point ICEPACK_SPARK_UI_URL at the "
                    + "interface of one")
        }
        var jobs: [SparkJob] = []
        var statements: [SparkStatement] = []
        for id in ids {
            let base = "\(root)/api/v1/applications/\(id)"
            // Jobs last: a statement's end between the two looks must not hide its jobs.
            statements += try SparkWebReplies.statements(
                await get(
                    "\(base)/sql?details=false&planDescription=false&offset=0"
                        + "&length=\(Self.mostStatements)"), of: id)
            jobs += try SparkWebReplies.jobs(await get("\(base)/jobs?status=running"), of: id)
        }
        return SparkActivity(applications: ids, statements: statements, jobs: jobs)
    }

    /// Ends one Spark job, as its interface's "kill" does.
    public func kill(_ job: SparkJob) async throws(SparkApplicationsError) {
        _ = try await send(
            .POST, "\(try interface)/jobs/job/kill/?id=\(job.id)", accepting: 200..<400)
    }

    /// What the driver's threads do, from the dump that Spark's interface shows.
    public func driverThreads(
        of application: String
    ) async throws(SparkApplicationsError) -> [SparkThread] {
        let base = "\(try interface)/api/v1/applications"
        guard SparkWebReplies.isName(application) else {
            throw .refused(reason: "the application has no id that can be asked for")
        }
        return try SparkWebReplies.threads(
            await get("\(base)/\(application)/executors/driver/threads"))
    }

    /// Has Kyuubi (1.10 or newer) kill the application that it started for a session.
    public func endApplication(
        ofSession name: String
    ) async throws(SparkApplicationsError) -> SparkApplicationEnd {
        SparkWebReplies.end(
            of: name, try await send(.DELETE, try engine(ofSession: name) + "&kill=true"))
    }

    /// Whether Kyuubi lists an application of a session.
    public func hasApplication(
        ofSession name: String
    ) async throws(SparkApplicationsError) -> Bool {
        try SparkWebReplies.engineCount(await get(try engine(ofSession: name))) > 0
    }

    // MARK: Requests

    private var interface: String {
        get throws(SparkApplicationsError) {
            guard let root = endpoints.interface else {
                throw .refused(reason: "Spark's interface is not configured")
            }
            return Self.trimmed(root)
        }
    }

    /// An engine of its own is listed under its session's name.
    private func engine(ofSession name: String) throws(SparkApplicationsError) -> String {
        guard let root = endpoints.administration, SparkWebReplies.isName(name) else {
            throw .refused(reason: "Kyuubi's administration is not configured")
        }
        var url =
            Self.trimmed(root)
            + "/api/v1/admin/engine?type=SPARK_SQL&sharelevel=CONNECTION&subdomain=\(name)"
        if let user = endpoints.sessionUser {
            url += "&hive.server2.proxy.user=\(Self.encoded(user))"
        }
        return url
    }

    private static func trimmed(_ root: String) -> String {
        root.hasSuffix("/") ? String(root.dropLast()) : root
    }

    private static func encoded(_ text: String) -> String {
        text.utf8.reduce(into: "") { result, byte in
            let scalar = Unicode.Scalar(byte)
            if SparkWebReplies.isName(String(scalar)) || byte == UInt8(ascii: ".") {
                result.unicodeScalars.append(scalar)
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                result += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
    }

    private func get(_ url: String) async throws(SparkApplicationsError) -> [UInt8] {
        try await send(.GET, url)
    }

    private func send(
        _ method: HTTPMethod, _ url: String, accepting: Range<UInt> = 200..<300
    ) async throws(SparkApplicationsError) -> [UInt8] {
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers.add(name: "Accept", value: "application/json")
        if canEnd, url.hasPrefix(endpoints.administration ?? ""), let user = endpoints.user {
            request.setBasicAuth(username: user, password: endpoints.password ?? "")
        }
        let status: UInt
        let body: [UInt8]
        do {
            let response = try await client.execute(
                request, timeout: .nanoseconds(Int64(Self.replyLimit / .nanoseconds(1))))
            status = response.status.code
            body = Array(try await response.body.collect(upTo: Self.replyBytes).readableBytesView)
        } catch let error as NIOTooManyBytesError {
            throw .refused(reason: "a reply has more than \(error.maxBytes ?? 0) bytes")
        } catch {
            throw .unavailable(reason: "\(Self.place(url)) did not answer: \(Self.kind(error))")
        }
        guard accepting.contains(status) else {
            let reason = "\(Self.place(url)) answered with HTTP status \(status)"
            throw status >= 500 || status == 429 || status == 408
                ? .unavailable(reason: reason) : .refused(reason: reason)
        }
        return body
    }

    /// The scheme and host of a URL, without what may be secret.
    private static func place(_ url: String) -> String {
        let rest = Redaction.redacting(url)
        guard let scheme = rest.firstRange(of: "://") else { return "the server" }
        return String(rest[..<scheme.upperBound])
            + rest[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" }
    }

    private static func kind(_ error: any Error) -> String {
        (error as? HTTPClientError).map { $0.shortDescription } ?? "\(type(of: error))"
    }
}
