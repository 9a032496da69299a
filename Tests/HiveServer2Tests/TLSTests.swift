// SPDX-License-Identifier: Apache-2.0

import Foundation
import HiveServer2
import NIOSSL
import Subprocess
import Synchronization
import TestSupport
import Testing

@testable import HiveServer2

/// A certificate and its key, made by `openssl`, that nobody but the tests trusts.
private struct Certificate: Sendable {
    let folder: URL

    var path: String { folder.appending(path: "certificate.pem").path }

    init(names: String) async throws {
        folder = FileManager.default.temporaryDirectory
            .appending(path: "icepack-tls-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let result = try await Subprocess.run(
            .name("openssl"),
            arguments: [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                "/CN=icepack test", "-addext", "subjectAltName=\(names)", "-keyout",
                folder.appending(path: "key.pem").path, "-out",
                folder.appending(path: "certificate.pem").path,
            ],
            output: .discarded, error: .string(limit: 1 << 16))
        try #require(result.terminationStatus.isSuccess, "\(result.standardError)")
    }

    func remove() throws { try FileManager.default.removeItem(at: folder) }

    func context() throws -> NIOSSLContext {
        let key = try NIOSSLPrivateKey(file: folder.appending(path: "key.pem").path, format: .pem)
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile(path).map { .certificate($0) },
                privateKey: .privateKey(key)))
    }
}

/// TLS on both transports.
@Suite struct TLSTests {
    private static let forms = [FakeServer.Form.plain, .sasl, .http]

    /// Opens a session at a server with a certificate for these names.
    private func open(
        _ form: FakeServer.Form, names: String, host: String = "127.0.0.1",
        _ tls: (String) -> HiveServer2Configuration.TLS
    ) async throws -> HiveServer2Error? {
        let certificate = try await Certificate(names: names)
        let outcome = Mutex<HiveServer2Error?>(nil)
        try await FakeServer.scripted(form, tls: try certificate.context()) { FakeServer.sound($0) }
            .serving { server in
                let client = try server.client(form, host: host, tls: tls(certificate.path))
                do throws(HiveServer2Error) {
                    let session = try await client.openSession()
                    try await client.closeSession(session)
                } catch {
                    outcome.withLock { $0 = error }
                }
                await client.shutdown()
            }
        try certificate.remove()
        return outcome.withLock { $0 }
    }

    @Test(arguments: forms)
    func `a server whose certificate is trusted and for its address is talked to`(
        form: FakeServer.Form
    ) async throws {
        let error = try await open(form, names: "IP:127.0.0.1") { .on(authorities: $0) }

        #expect(error == nil)
    }

    @Test(arguments: forms)
    func `a server whose certificate is trusted and for its name is talked to`(
        form: FakeServer.Form
    ) async throws {
        let error = try await open(form, names: "DNS:localhost", host: "localhost") {
            .on(authorities: $0)
        }

        #expect(error == nil)
    }

    @Test(arguments: forms)
    func `a certificate that nobody trusts is refused`(form: FakeServer.Form) async throws {
        let error = try await open(form, names: "IP:127.0.0.1") { _ in .on() }

        guard case .untrusted = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.remedy == .fail)
    }

    @Test(arguments: forms)
    func `a certificate for another host is refused, unless any host will do`(
        form: FakeServer.Form
    ) async throws {
        let refused = try await open(form, names: "DNS:other.example") { .on(authorities: $0) }
        let taken = try await open(form, names: "DNS:other.example") {
            .on(verification: .anyHost, authorities: $0)
        }

        guard case .untrusted = refused else {
            Issue.record("\(String(describing: refused))")
            return
        }
        #expect(taken == nil)
    }

    @Test(arguments: forms)
    func `TLS at a server without it does not end in a session`(
        form: FakeServer.Form
    ) async throws {
        try await FakeServer.scripted(form) { FakeServer.sound($0) }.serving { server in
            let client = try server.client(form, tls: .on(), connectLimit: .seconds(2))

            await #expect(throws: HiveServer2Error.self) { try await client.openSession() }
            await client.shutdown()
        }
    }

    @Test(arguments: forms)
    func `authorities that cannot be read are refused before anything is tried`(
        form: FakeServer.Form
    ) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "icepack-no-such.pem")
        do throws(HiveServer2Error) {
            _ = try HiveServer2Client(
                HiveServer2Configuration(
                    host: "localhost", port: 1, transport: form.transport,
                    authentication: form.authentication, tls: .on(authorities: file.path)))
            Issue.record("taken")
        } catch {
            guard case .misuse(let reason) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(reason.contains(file.path))
        }
    }
}
