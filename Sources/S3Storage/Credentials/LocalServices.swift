// SPDX-License-Identifier: Apache-2.0

import AWSSigning
import HTTPExchange
import WireFormat

/// The service that lends a container the credentials of its task or pod.
struct ContainerCredentials: Sendable {
    let http: CredentialsHTTP
    let environment: CredentialsEnvironment

    private static let name = "the container's credentials service"
    /// Where the relative address of ECS leads.
    private static let ecsHost = "http://169.254.170.2"
    /// The hosts that may be asked without TLS: this machine, ECS and EKS.
    private static let plainHosts: Set<String> = [
        "localhost", "127.0.0.1", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]",
    ]

    /// Nil where there is no such service.
    func fetch() async throws(CredentialsError) -> AWSCredentials? {
        guard let url = try url() else { return nil }
        var call = HTTPCall("GET", url, headers: [HTTPField("Accept", "application/json")])
        if let token = try token() { call.headers.append(HTTPField("Authorization", token)) }
        do throws(CallFailure) {
            let bytes = try await http.fetch(call, limit: CredentialsHTTP.localLimit)
            return try CredentialsHTTP.credentials(json: bytes, from: Self.name)
        } catch {
            throw .unavailable(reason: "\(Self.name): \(error.reason)")
        }
    }

    private func url() throws(CredentialsError) -> String? {
        if let path = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] {
            guard path.hasPrefix("/") else {
                throw .unusable(
                    reason: "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must begin with a slash")
            }
            return Self.ecsHost + path
        }
        guard let url = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] else { return nil }
        if url.hasPrefix("https://") { return url }
        let rest = url.dropFirst("http://".count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let host =
            authority.hasPrefix("[")
            ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
        guard url.hasPrefix("http://"), Self.plainHosts.contains(String(host)) else {
            throw .unusable(
                reason: "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https://, or http:// on "
                    + "loopback, ECS or EKS, because secrets come from there")
        }
        return url
    }

    /// Read each time: the file is replaced before its token ends.
    private func token() throws(CredentialsError) -> String? {
        let token: String?
        if let path = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] {
            token = try environment.text(ofFile: path).filter { !$0.isNewline }
        } else {
            token = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
        }
        guard token?.contains(where: \.isNewline) != true else {
            throw .unusable(reason: "AWS_CONTAINER_AUTHORIZATION_TOKEN has more than one line")
        }
        return token
    }
}

/// The metadata service of an EC2 instance, in its second version: with a session token.
struct InstanceCredentials: Sendable {
    let http: CredentialsHTTP
    let environment: CredentialsEnvironment

    private static let name = "the instance's metadata service"
    private static let rolesPath = "/latest/meta-data/iam/security-credentials/"
    private static let tokenSeconds = "21600"

    /// Nil where nobody answers, or the instance has no role.
    func fetch() async throws(CredentialsError) -> AWSCredentials? {
        guard !environment.isTrue("AWS_EC2_METADATA_DISABLED") else { return nil }
        var base = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? "http://169.254.169.254"
        while base.hasSuffix("/") { base.removeLast() }
        let isConfigured = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] != nil
        do throws(CallFailure) {
            let token = try await text(
                "PUT", base + "/latest/api/token",
                ("x-aws-ec2-metadata-token-ttl-seconds", Self.tokenSeconds))
            let header = ("x-aws-ec2-metadata-token", token)
            let roles = try await text("GET", base + Self.rolesPath, header)
            guard let role = roles.split(whereSeparator: \.isNewline).first else { return nil }
            let name = PercentEncoding.encode(String(role))
            let bytes = try await fetch("GET", base + Self.rolesPath + name, header)
            return try CredentialsHTTP.credentials(json: bytes, from: Self.name)
        } catch {
            switch error {
            case .notSent where !isConfigured: return nil
            // Nobody routes to the address: no instance.
            case .broken where !isConfigured: return nil
            case .refused(let refusal) where refusal.status == 404: return nil
            case .notSent, .noCredentials, .broken, .refused, .nonsense, .cancelled, .tooLarge:
                throw .unavailable(reason: "\(Self.name): \(error.reason)")
            }
        }
    }

    private func fetch(
        _ method: String, _ url: String, _ header: (String, String)
    ) async throws(CallFailure) -> [UInt8] {
        let call = HTTPCall(method, url, headers: [HTTPField(header.0, header.1)])
        return try await http.fetch(call, limit: CredentialsHTTP.localLimit)
    }

    private func text(
        _ method: String, _ url: String, _ header: (String, String)
    ) async throws(CallFailure) -> String {
        String(decoding: try await fetch(method, url, header), as: UTF8.self)
    }
}
