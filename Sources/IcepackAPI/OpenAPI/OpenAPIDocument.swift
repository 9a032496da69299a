// SPDX-License-Identifier: Apache-2.0

/// The OpenAPI 3.1 document of the REST contract, as it is served.
package enum OpenAPIDocument {
    /// The UTF-8 text.
    package static var bytes: [UInt8] { PackageResources.openapi_json }
}
