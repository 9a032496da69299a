// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// Refuses requests that change something and that a web page of another site made a browser send.
///
/// The service may listen on a developer's own machine without authentication, and bodies are read
/// whatever their content type; without this, any page could start a job there. Browsers say where
/// a request comes from in `Sec-Fetch-Site`, older ones in `Origin`; other clients send neither.
enum CrossSiteGuard {
    static func isForeign(_ request: HTTPRequest) -> Bool {
        switch request.method {
        case .get, .head, .options, .trace: return false
        default: break
        }
        if let site = request.headerFields[.secFetchSite] {
            return site == "cross-site" || site == "same-site"
        }
        guard let origin = request.headerFields[.origin] else { return false }
        guard let slashes = origin.firstRange(of: "://"), let host = request.authority else {
            return true
        }
        return origin[slashes.upperBound...].lowercased() != host.lowercased()
    }
}
