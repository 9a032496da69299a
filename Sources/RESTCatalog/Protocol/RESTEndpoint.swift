// SPDX-License-Identifier: Apache-2.0

import IcebergCatalog
import WireFormat

/// The URLs of a catalog.
struct RESTEndpoint: Hashable, Sendable {
    /// The root, without a slash at its end.
    let root: String
    /// What stands between `v1` and the resource; empty for nothing.
    let prefix: String
    /// What stands between the levels of a namespace.
    let separator: String

    /// The unit separator, which no sane name holds.
    static let usualSeparator = "\u{1F}"

    init(root: String, prefix: String = "", separator: String = usualSeparator) {
        self.root = root
        self.prefix = prefix
        self.separator = separator
    }

    /// Where a server says how it wants to be spoken to.
    static func config(root: String, warehouse: String?) -> String {
        let query = warehouse.map { "?warehouse=\(PercentEncoding.encode($0))" } ?? ""
        return "\(root)/v1/config\(query)"
    }

    /// A page of the namespaces right below a parent, or of the outermost ones.
    func namespaces(below parent: [String], page: String) -> String {
        var query = "?pageToken=\(PercentEncoding.encode(page))"
        if !parent.isEmpty { query += "&parent=\(PercentEncoding.encode(joined(parent)))" }
        return "\(base)/namespaces\(query)"
    }

    /// A page of the tables of a namespace.
    func tables(of namespace: [String], page: String) -> String {
        "\(base)/namespaces/\(PercentEncoding.encode(joined(namespace)))/tables"
            + "?pageToken=\(PercentEncoding.encode(page))"
    }

    /// One table.
    func table(_ identifier: TableIdentifier) -> String {
        "\(base)/namespaces/\(PercentEncoding.encode(joined(identifier.namespace)))"
            + "/tables/\(PercentEncoding.encode(identifier.name))"
    }

    /// Whether a namespace has a URL of its own: a level with a separator in it would read as two,
    /// and whatever lies between here and the server takes `..` for a way up.
    func canName(_ namespace: [String]) -> Bool {
        !namespace.isEmpty
            && namespace.allSatisfy { !$0.isEmpty && !$0.contains(separator) }
            && Self.isPathSegment(joined(namespace))
    }

    /// Whether a table has a URL of its own.
    func canName(_ identifier: TableIdentifier) -> Bool {
        canName(identifier.namespace) && Self.isPathSegment(identifier.name)
    }

    private var base: String { prefix.isEmpty ? "\(root)/v1" : "\(root)/v1/\(prefix)" }

    private func joined(_ namespace: [String]) -> String {
        namespace.joined(separator: separator)
    }

    private static func isPathSegment(_ text: String) -> Bool {
        !text.isEmpty && text != "." && text != ".."
    }
}

/// The root of a catalog or of an authorisation server, as somebody configured it.
struct RESTRoot: Hashable, Sendable {
    /// Without a slash at its end.
    let text: String

    /// Whether what is sent there is encrypted.
    var isEncrypted: Bool { text.lowercased().hasPrefix("https://") }

    /// Nil for anything but an `http` or `https` URL without user, query and fragment.
    init?(_ text: String) {
        let lower = text.lowercased()
        guard let scheme = ["http://", "https://"].first(where: lower.hasPrefix) else { return nil }
        let rest = text.dropFirst(scheme.count)
        let host = rest.prefix { $0 != "/" }
        guard !host.isEmpty, !host.contains("@"), !host.hasPrefix(":"),
            rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            !rest.contains("?"), !rest.contains("#")
        else { return nil }
        var text = text
        while text.hasSuffix("/") { text.removeLast() }
        self.text = text
    }
}
