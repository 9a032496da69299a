// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOSSL

extension HiveServer2Configuration {
    /// What NIOSSL is to do, or nil for a connection without TLS.
    ///
    /// - Throws: ``HiveServer2Error/misuse(reason:)`` when the authorities cannot be read.
    func tlsConfiguration() throws(HiveServer2Error) -> TLSConfiguration? {
        guard case .on(let verification, let authorities) = tls else { return nil }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        switch verification {
        case .full: configuration.certificateVerification = .fullVerification
        case .anyHost: configuration.certificateVerification = .noHostnameVerification
        }
        if let authorities {
            do {
                let certificates = try NIOSSLCertificate.fromPEMFile(authorities)
                guard !certificates.isEmpty else {
                    throw HiveServer2Error.misuse(reason: "no certificate in \(authorities)")
                }
                configuration.trustRoots = .certificates(certificates)
            } catch let error as HiveServer2Error {
                throw error
            } catch {
                throw .misuse(reason: "no certificates to trust in \(authorities): \(error)")
            }
        }
        return configuration
    }

    /// The name that the server is asked for; an address is not a name and is not sent.
    var serverName: String? {
        (try? SocketAddress(ipAddress: host, port: port)) == nil ? host : nil
    }
}

/// Tells failures of TLS from those of the network below.
enum TLSFailure {
    static func isOne(_ error: any Error) -> Bool {
        // An unclean shutdown is a cut connection, not a matter of trust.
        if case NIOSSLError.uncleanShutdown = error { return false }
        return error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError
    }

    /// What it says, without the places in the TLS library's sources.
    static func text(_ error: any Error) -> String {
        "\(error)".replacing(/\ at [^ ]+:[0-9]+/, with: "")
    }
}
