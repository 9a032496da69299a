// SPDX-License-Identifier: Apache-2.0

extension Configuration {
    /// How a REST catalog is spoken to.
    public struct RESTCatalogOptions: Hashable, Sendable {
        /// How callers prove who they are.
        public enum Authentication: Hashable, Sendable {
            /// Not at all.
            case none
            /// With a token as it is; never shown.
            case token(String)
            /// With tokens for an OAuth2 client: `id:secret`, never shown.
            case credential(String, scope: String?, tokenURI: String?)
            /// With signatures of AWS, for a service and a region; without one, AWS's own
            /// environment names it.
            case signature(service: String, region: String?)
        }

        /// Which credentials for a table's files the server is asked for.
        public enum AccessDelegation: String, CaseIterable, Hashable, Sendable {
            /// Those that it lends.
            case vendedCredentials = "vended-credentials"
            /// None: ours are enough.
            case none
        }

        /// How callers prove who they are.
        public let authentication: Authentication
        /// Which credentials for a table's files the server is asked for.
        public let accessDelegation: AccessDelegation
        /// What the server is asked for; nil for its only warehouse.
        public let warehouse: String?
        /// Certificates to trust instead of the system's.
        public let certificateFile: String?
    }

    static func readCatalog(_ reader: inout ConfigurationReader) -> CatalogSettings {
        let kind = reader.choice(.catalogType, CatalogKind.filesystem)
        let catalog = CatalogSettings(
            kind: kind, name: reader.required(.catalogName),
            uri: reader.text(.catalogURI), warehouse: reader.required(.catalogWarehouse),
            glueID: reader.text(.catalogGlueID), rest: readREST(&reader, kind))
        if kind != .glue {
            reader.failWithoutEffect([.catalogGlueID], because: "ICEPACK_CATALOG_TYPE=glue")
        }
        switch (catalog.kind, catalog.uri) {
        case (.sql, nil):
            reader.fail(
                .catalogURI,
                "is needed for catalog_type sql: sqlite:////absolute/path, sqlite:relative/path or"
                    + " postgres://…")
        case (.rest, nil):
            reader.fail(.catalogURI, "is needed for catalog_type rest: https://host/path")
        case (.rest, let uri?), (.glue, let uri?):
            if !uri.hasPrefix("http://"), !uri.hasPrefix("https://") {
                reader.fail(
                    .catalogURI,
                    "must begin with https:// or http:// for catalog_type \(kind.rawValue)")
            }
        case (.filesystem, .some):
            reader.fail(
                .catalogURI,
                "has no effect for catalog_type filesystem: set catalog_warehouse instead")
        case (.sql, .some), (.filesystem, nil), (.glue, nil): break
        }
        return catalog
    }

    /// Nil for another catalog, where none of its keys may be set.
    private static func readREST(
        _ reader: inout ConfigurationReader, _ kind: CatalogKind
    ) -> RESTCatalogOptions? {
        guard kind == .rest else {
            reader.failWithoutEffect(restKeys, because: "ICEPACK_CATALOG_TYPE=rest")
            return nil
        }
        return RESTCatalogOptions(
            authentication: readAuthentication(&reader),
            accessDelegation: reader.choice(.catalogAccessDelegation, .vendedCredentials),
            warehouse: reader.isSet(.catalogWarehouse) ? reader.text(.catalogWarehouse) : nil,
            certificateFile: reader.text(.catalogTLSCAFile))
    }

    private static func readAuthentication(
        _ reader: inout ConfigurationReader
    ) -> RESTCatalogOptions.Authentication {
        let isSigned = reader.boolean(.catalogSigV4)
        let token = reader.text(.catalogToken)
        let credential = reader.text(.catalogCredential)
        if [isSigned, token != nil, credential != nil].count(where: { $0 }) > 1 {
            reader.fail(
                isSigned ? .catalogSigV4 : .catalogToken,
                "is one of three ways to prove who calls: set only one of catalog_token,"
                    + " catalog_credential and catalog_sigv4")
        }
        if credential == nil {
            reader.failWithoutEffect(
                [.catalogScope, .catalogOAuth2ServerURI], because: "ICEPACK_CATALOG_CREDENTIAL")
        }
        if !isSigned {
            reader.failWithoutEffect(
                [.catalogSigningName, .catalogSigningRegion], because: "ICEPACK_CATALOG_SIGV4")
        }
        if isSigned {
            return .signature(
                service: reader.required(.catalogSigningName),
                region: reader.text(.catalogSigningRegion))
        }
        if let credential {
            return .credential(
                credential, scope: reader.text(.catalogScope),
                tokenURI: reader.webAddress(.catalogOAuth2ServerURI))
        }
        return token.map { .token($0) } ?? .none
    }

    private static let restKeys: [ConfigurationKey] = [
        .catalogToken, .catalogCredential, .catalogScope, .catalogOAuth2ServerURI, .catalogSigV4,
        .catalogSigningName, .catalogSigningRegion, .catalogAccessDelegation, .catalogTLSCAFile,
    ]
}
