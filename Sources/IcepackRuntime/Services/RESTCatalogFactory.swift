// SPDX-License-Identifier: Apache-2.0

import HTTPExchange
import RESTCatalog

extension Configuration {
    /// The settings of the REST catalog.
    ///
    /// - Throws: ``StartupFailure`` when what it needs is not configured.
    func restSettings() throws(StartupFailure) -> RESTCatalogSettings {
        guard let rest = catalog.rest, let uri = catalog.uri else {
            throw StartupFailure("ICEPACK_CATALOG_URI is needed for a REST catalog")
        }
        var settings = RESTCatalogSettings(name: catalog.name, uri: uri, warehouse: rest.warehouse)
        settings.exchange.trustedCertificates = rest.certificateFile
        switch rest.accessDelegation {
        case .vendedCredentials: settings.asksForCredentials = true
        case .none: settings.asksForCredentials = false
        }
        switch rest.authentication {
        case .none: settings.authentication = .none
        case .token(let token): settings.authentication = .bearer(token: token)
        case .signature(let service, let region):
            let place = if let region { region } else { try awsRegion() }
            settings.authentication = .signature(callSigning(service: service, region: place))
        case .credential(let credential, let scope, let tokenURI):
            settings.authentication = .clientCredentials(
                OAuthClient(credential: credential, scope: scope, tokenURI: tokenURI))
        }
        return settings
    }
}
