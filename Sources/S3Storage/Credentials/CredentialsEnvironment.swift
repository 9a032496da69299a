// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What the sources of credentials read: environment variables and small files.
public struct CredentialsEnvironment: Sendable {
    private let variables: [String: String]
    private let home: String?

    /// Takes the variables, an empty one counting as not set.
    public init(variables: [String: String]) {
        self.variables = variables.filter { !$0.value.isEmpty }
        home = self.variables["HOME"]
    }

    subscript(name: String) -> String? { variables[name] }

    /// Whether a variable says so.
    func isTrue(_ name: String) -> Bool { variables[name]?.lowercased() == "true" }

    /// The profile that was asked for by name.
    var namedProfile: String? { self["AWS_PROFILE"] ?? self["AWS_DEFAULT_PROFILE"] }

    /// The profile to use.
    var profile: String { namedProfile ?? "default" }

    /// Both shared files as one, the credentials file over the configuration file; no file is no
    /// profile, unless somebody named it.
    func profiles() throws(CredentialsError) -> ProfileFile {
        var profiles = try file("AWS_CONFIG_FILE", "config", .config)
        profiles.overlay(try file("AWS_SHARED_CREDENTIALS_FILE", "credentials", .credentials))
        return profiles
    }

    private func file(
        _ variable: String, _ name: String, _ kind: ProfileFile.Kind
    ) throws(CredentialsError) -> ProfileFile {
        let path = self[variable] ?? home.map { "\($0)/.aws/\(name)" }
        do throws(ProfileFile.Invalid) {
            let none = try ProfileFile(parsing: "", kind: kind)
            guard let path else { return none }
            guard self[variable] != nil || FileManager.default.fileExists(atPath: path) else {
                return none
            }
            let text = try readText(path, limit: ProfileFile.maximumBytes)
            return try ProfileFile(parsing: text, kind: kind)
        } catch {
            throw .unusable(reason: "\(path ?? name): \(error)")
        }
    }

    /// A small text file.
    func text(ofFile path: String, limit: Int = 64 << 10) throws(CredentialsError) -> String {
        do throws(ProfileFile.Invalid) { return try readText(path, limit: limit) } catch {
            throw .unusable(reason: "\(path): \(error.reason)")
        }
    }

    private func readText(_ path: String, limit: Int) throws(ProfileFile.Invalid) -> String {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw .init(line: 0, reason: "it cannot be opened")
        }
        let data: Data?
        do { data = try file.read(upToCount: limit + 1) } catch {
            throw .init(line: 0, reason: "it cannot be read: \(error)")
        }
        guard let data else { return "" }
        guard data.count <= limit else {
            throw .init(line: 0, reason: "it is longer than \(limit) bytes")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw .init(line: 0, reason: "it is not UTF-8")
        }
        return text
    }
}

extension CredentialsEnvironment {
    /// The region of `AWS_REGION`, `AWS_DEFAULT_REGION`, or the profile.
    ///
    /// - Throws: ``CredentialsError/unusable(reason:)`` for shared files that were named and cannot
    ///   be read.
    public func region() throws(CredentialsError) -> String? {
        if let region = self["AWS_REGION"] ?? self["AWS_DEFAULT_REGION"] { return region }
        do throws(CredentialsError) {
            return try profiles().profiles[profile]?["region"]
        } catch {
            // Files that nobody named hinder nobody who does without them; whoever needs the
            // credentials in them is told.
            let names = ["AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"]
            guard names.contains(where: { self[$0] != nil }) else { return nil }
            throw error
        }
    }

    /// The endpoint of `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`.
    public var s3EndpointURL: String? { self["AWS_ENDPOINT_URL_S3"] ?? self["AWS_ENDPOINT_URL"] }

    /// The file of `AWS_CA_BUNDLE`.
    public var trustedCertificates: String? { self["AWS_CA_BUNDLE"] }
}
