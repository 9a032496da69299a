// SPDX-License-Identifier: Apache-2.0

/// The path and query of a request's target, still percent-encoded.
struct RequestTarget: Hashable, Sendable {
    /// The path's segments; a path of one slash has one empty segment.
    let segments: [Substring]
    /// What stands behind the question mark.
    let query: Substring?

    /// Reads an origin form (`/jobs?limit=1`) or an absolute form (`http://host/jobs`); nil for
    /// anything else, such as `*`.
    init?(_ target: String) {
        var rest = target[...]
        if let scheme = ["http://", "https://"].first(where: { target.hasPrefix($0) }) {
            let afterScheme = target.dropFirst(scheme.count)
            rest = afterScheme.firstIndex(of: "/").map { afterScheme[$0...] } ?? "/"
        }
        guard rest.first == "/" else { return nil }
        rest = rest.prefix { $0 != "#" }
        let mark = rest.firstIndex(of: "?")
        segments = rest[..<(mark ?? rest.endIndex)].dropFirst()
            .split(separator: "/", omittingEmptySubsequences: false)
        query = mark.map { rest[rest.index(after: $0)...] }
    }
}
