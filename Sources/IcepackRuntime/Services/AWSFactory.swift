// SPDX-License-Identifier: Apache-2.0

import Foundation
import GlueCatalog
import HTTPExchange
import S3Storage

extension Configuration {
    /// The region that AWS's own environment names, or the usual one.
    ///
    /// - Throws: ``StartupFailure`` for files that cannot be read.
    func awsRegion() throws(StartupFailure) -> String {
        let environment = CredentialsEnvironment(variables: values.aws)
        do throws(CredentialsError) {
            return try environment.region() ?? Self.usualRegion
        } catch {
            throw StartupFailure("AWS cannot be used: \(error)")
        }
    }

    /// Signs calls to a service of AWS with the credentials of AWS's own chain.
    func callSigning(service: String, region: String) -> CallSigning {
        let chain = CredentialsChain(CredentialsEnvironment(variables: values.aws))
        let cache = CredentialsCache(chain)
        let signer = AWSCallSigner(
            region: region, service: service, now: { Int64(Date().timeIntervalSince1970 * 1000) },
            credentials: { () throws(SigningFailure) in
                do throws(CredentialsError) { return try await cache.credentials() } catch {
                    switch error {
                    case .unavailable: throw .unavailable(reason: error.description)
                    case .missing, .unusable: throw .denied(reason: error.description)
                    }
                }
            })
        return { (call) throws(SigningFailure) in try await signer.headers(for: call) }
    }

    /// The settings of the Glue Data Catalog.
    ///
    /// - Throws: ``StartupFailure`` for a region that AWS's files do not tell.
    func glueSettings() throws(StartupFailure) -> GlueCatalogSettings {
        let region = try awsRegion()
        var endpoint = catalog.uri ?? GlueCatalogSettings.endpoint(region: region)
        while endpoint.hasSuffix("/") { endpoint.removeLast() }
        var settings = GlueCatalogSettings(
            name: catalog.name, endpoint: endpoint,
            signing: callSigning(service: "glue", region: region))
        settings.catalogID = catalog.glueID
        settings.exchange.trustedCertificates =
            CredentialsEnvironment(variables: values.aws).trustedCertificates
        return settings
    }
}
