// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// Where a store answers, and how a bucket is put into its URLs.
public struct S3Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// How a bucket is put into a URL.
    public enum Style: Hashable, Sendable {
        /// `https://host/bucket/key`.
        case path
        /// `https://bucket.host/key`; a bucket whose name is no host name goes into the path.
        case virtualHost
    }

    /// Why a text is no endpoint.
    public struct Invalid: Error, Hashable, Sendable, CustomStringConvertible {
        /// What to change.
        public let description: String
    }

    let isSecure: Bool
    /// Host name and, unless it is the scheme's own, port.
    let authority: String
    /// Empty, or begins with a slash and does not end in one.
    let basePath: String
    let style: Style
    /// Whether it is one of Amazon's, so that what Amazon documents can be relied on.
    let isAmazon: Bool

    /// Amazon's endpoint for a region.
    public init(region: String, style: Style = .virtualHost) {
        isSecure = true
        authority = "s3.\(region).\(Self.amazonDomain(of: region))"
        basePath = ""
        self.style = style
        isAmazon = true
    }

    /// The domain of Amazon's services in a region.
    static func amazonDomain(of region: String) -> String {
        region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
    }

    /// A store's own endpoint: `http://` or `https://`, a host, perhaps a port and a path.
    public init(url: String, style: Style = .path) throws(Invalid) {
        let schemes = [("https://", true), ("http://", false)]
        guard let (scheme, isSecure) = schemes.first(where: { url.lowercased().hasPrefix($0.0) })
        else { throw Invalid(description: "must begin with http:// or https://") }
        let rest = url.dropFirst(scheme.count)
        var authority = String(rest.prefix { $0 != "/" })
        var path = String(rest.dropFirst(authority.count))
        while path.hasSuffix("/") { path.removeLast() }
        guard Self.isAuthority(authority) else {
            throw Invalid(description: "must name a host and perhaps a port after \(scheme)")
        }
        guard !path.contains(where: { "?#% ".contains($0) || !$0.isASCII }) else {
            throw Invalid(description: "must not have a query, a fragment or encoded characters")
        }
        // The Host header, which is signed, leaves the scheme's own port out.
        let ownPort = isSecure ? ":443" : ":80"
        if authority.hasSuffix(ownPort) { authority.removeLast(ownPort.count) }
        self.isSecure = isSecure
        self.authority = authority
        basePath = path
        self.style = style
        let host = authority.lowercased().prefix { $0 != ":" }
        isAmazon = host.hasSuffix(".amazonaws.com") || host.hasSuffix(".amazonaws.com.cn")
    }

    private static func isAuthority(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                    UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"):
                    true
                default: false
                }
            }
    }

    /// The URL without bucket and key.
    public var description: String { "\(isSecure ? "https" : "http")://\(authority)\(basePath)" }

    /// The host to be named in the `Host` header, and the path as it is sent.
    func target(bucket: String, key: String) -> (host: String, path: String) {
        let key = PercentEncoding.encode(key, keepingSlashes: true)
        if style == .virtualHost, isHostLabel(bucket) {
            return ("\(bucket).\(authority)", "\(basePath)/\(key)")
        }
        // Without a key the bucket has no slash behind it: some servers take it for another path.
        return (authority, "\(basePath)/\(bucket)" + (key.isEmpty ? "" : "/\(key)"))
    }

    /// Dots would be labels of their own, which a certificate for `*.host` does not cover.
    private func isHostLabel(_ bucket: String) -> Bool {
        let isPlain = bucket.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"):
                true
            case UInt8(ascii: "."): !isSecure
            default: false
            }
        }
        let edges = [bucket.utf8.first, bucket.utf8.last]
        return isPlain && (3...63).contains(bucket.utf8.count)
            && !edges.contains(UInt8(ascii: "-")) && !edges.contains(UInt8(ascii: "."))
            && !bucket.contains("..")
    }
}
