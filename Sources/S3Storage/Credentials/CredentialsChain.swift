// SPDX-License-Identifier: Apache-2.0

public import AWSSigning

/// The places where AWS's own tools look for credentials, in their order.
///
/// 1. `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, unless a profile was
///    asked for by name;
/// 2. `AWS_WEB_IDENTITY_TOKEN_FILE` with `AWS_ROLE_ARN`, likewise;
/// 3. the profile in the shared files: keys, or a role to assume;
/// 4. the container's service, `AWS_CONTAINER_CREDENTIALS_…`;
/// 5. the instance's metadata service.
///
/// The first that is there is used. One that is there and fails is an error, never a reason to go
/// on to the next: that would be somebody else's credentials.
public struct CredentialsChain: Sendable {
    /// The most roles that profiles may lead through.
    static let longestRoleChain = 5

    private let environment: CredentialsEnvironment
    private let http: CredentialsHTTP
    private let now: @Sendable () -> Int64

    /// Looks in an environment.
    public init(_ environment: CredentialsEnvironment, retry: RetryPolicy = Self.usualRetry) {
        self.environment = environment
        http = CredentialsHTTP(
            retry: retry, trustedCertificates: environment.trustedCertificates)
        now = systemMilliseconds
    }

    /// Fewer tries than for objects: the next source, or an error, should come soon.
    public static let usualRetry = RetryPolicy(
        attempts: 3, firstDelay: .milliseconds(200), longestDelay: .seconds(2))

    /// Asks the first source that is there.
    public func credentials() async throws(CredentialsError) -> AWSCredentials {
        if environment.namedProfile == nil {
            if let keys = try environmentKeys() { return keys }
            if let lent = try await environmentIdentity() { return lent }
        }
        let profiles = try environment.profiles()
        if let settings = profiles.profiles[environment.profile] {
            if let found = try await profile(settings, profiles, depth: 0) { return found }
        } else if let name = environment.namedProfile {
            throw .unusable(reason: "there is no profile \"\(name)\" in the shared files")
        }
        if let lent = try await container.fetch() { return lent }
        if let lent = try await instance.fetch() { return lent }
        throw .missing(
            reason: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile, or run where "
                + "a role is given")
    }

    private var container: ContainerCredentials {
        ContainerCredentials(http: http, environment: environment)
    }

    private var instance: InstanceCredentials {
        InstanceCredentials(http: http, environment: environment)
    }

    private var tokens: SecurityTokenService {
        SecurityTokenService(http: http, environment: environment, now: now)
    }

    private func environmentKeys() throws(CredentialsError) -> AWSCredentials? {
        let token = environment["AWS_SESSION_TOKEN"] ?? environment["AWS_SECURITY_TOKEN"]
        switch (environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]) {
        case (let id?, let secret?):
            return AWSCredentials(accessKeyID: id, secretAccessKey: secret, sessionToken: token)
        case (nil, nil): return nil
        case (.some, nil):
            throw .unusable(reason: "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not")
        case (nil, .some):
            throw .unusable(reason: "AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not")
        }
    }

    private func environmentIdentity() async throws(CredentialsError) -> AWSCredentials? {
        guard let file = environment["AWS_WEB_IDENTITY_TOKEN_FILE"] else { return nil }
        guard let role = environment["AWS_ROLE_ARN"] else {
            throw .unusable(reason: "AWS_WEB_IDENTITY_TOKEN_FILE needs AWS_ROLE_ARN beside it")
        }
        return try await tokens.assume(
            role: role, session: environment["AWS_ROLE_SESSION_NAME"],
            as: .webIdentity(tokenFile: file), region: try environment.region())
    }

    /// Nil for a profile that only has other settings.
    private func profile(
        _ settings: [String: String], _ all: ProfileFile, depth: Int
    ) async throws(CredentialsError) -> AWSCredentials? {
        guard depth < Self.longestRoleChain else {
            throw .unusable(
                reason: "profiles lead through more than \(Self.longestRoleChain) roles")
        }
        if let role = settings["role_arn"] {
            return try await assume(role, settings, all, depth: depth)
        }
        switch (settings["aws_access_key_id"], settings["aws_secret_access_key"]) {
        case (let id?, let secret?):
            return AWSCredentials(
                accessKeyID: id, secretAccessKey: secret,
                sessionToken: settings["aws_session_token"])
        case (nil, nil): break
        case (.some, nil), (nil, .some):
            throw .unusable(reason: "the profile has one of the two keys only")
        }
        for name in ["credential_process", "sso_session", "sso_start_url", "login_session"]
        where settings[name] != nil {
            throw .unusable(
                reason: "the profile's \(name) is not supported: use keys, a role, or web identity")
        }
        return nil
    }

    private func assume(
        _ role: String, _ settings: [String: String], _ all: ProfileFile, depth: Int
    ) async throws(CredentialsError) -> AWSCredentials {
        let bearer: SecurityTokenService.Bearer
        if let file = settings["web_identity_token_file"] {
            bearer = .webIdentity(tokenFile: file)
        } else {
            let source = try await roleSource(settings, all, depth: depth)
            bearer = .credentials(source, externalID: settings["external_id"])
        }
        return try await tokens.assume(
            role: role, session: settings["role_session_name"], as: bearer,
            region: try environment.region() ?? settings["region"])
    }

    private func roleSource(
        _ settings: [String: String], _ all: ProfileFile, depth: Int
    ) async throws(CredentialsError) -> AWSCredentials {
        if let name = settings["source_profile"] {
            guard var source = all.profiles[name] else {
                throw .unusable(
                    reason: "there is no profile \"\(name)\", which source_profile names")
            }
            // A profile that is its own source brings the keys for its role.
            if name == environment.profile, depth == 0 { source["role_arn"] = nil }
            if let found = try await profile(source, all, depth: depth + 1) { return found }
            throw .unusable(reason: "the profile \"\(name)\" has no credentials")
        }
        switch settings["credential_source"] {
        case "Environment": if let keys = try environmentKeys() { return keys }
        case "EcsContainer": if let lent = try await container.fetch() { return lent }
        case "Ec2InstanceMetadata": if let lent = try await instance.fetch() { return lent }
        case .some(let name): throw .unusable(reason: "there is no credential_source \(name)")
        case nil:
            throw .unusable(
                reason: "role_arn needs source_profile, credential_source or "
                    + "web_identity_token_file beside it")
        }
        throw .unusable(reason: "the credential_source of the profile has no credentials")
    }
}

extension CredentialsCache {
    /// Credentials of a chain.
    public convenience init(_ chain: CredentialsChain) {
        self.init { () async throws(CredentialsError) in try await chain.credentials() }
    }
}
