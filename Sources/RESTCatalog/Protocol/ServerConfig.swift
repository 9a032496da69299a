// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// What a server says of itself at `/v1/config`, laid over what we were configured with.
struct ServerConfig: Hashable, Sendable {
    /// The catalog's URLs.
    let endpoint: RESTEndpoint
    /// How long the server remembers an `Idempotency-Key`; nil if it does not (P-31).
    let keyLifetime: Duration?

    /// Its values win over ours where they are overrides, and where they are defaults do not.
    ///
    /// Of the protocol's settings only those that decide how requests look are taken: where
    /// secrets are sent is for our own configuration to say, so a server may move itself within
    /// its kind of transport, but not appoint another authorisation server.
    init(_ reply: JSONObject, root: RESTRoot) throws(RESTFailure) {
        let overrides = try Self.strings(reply, "overrides")
        let settings = try Self.strings(reply, "defaults").merging(overrides) { $1 }
        var place = root
        if let text = overrides["uri"] {
            guard let moved = RESTRoot(text), moved.isEncrypted || !root.isEncrypted else {
                throw .nonsense(reason: "the server moved itself to a URL that cannot be used")
            }
            place = moved
        }
        let separator = PercentEncoding.decode(settings["namespace-separator"] ?? "%1F") ?? ""
        guard !separator.isEmpty else {
            throw .nonsense(reason: "the server's namespace-separator cannot be used")
        }
        endpoint = RESTEndpoint(
            root: place.text, prefix: try Self.prefix(settings["prefix"] ?? ""),
            separator: separator)
        switch reply["idempotency-key-lifetime"] {
        case nil, .null: keyLifetime = nil
        case let value?: keyLifetime = value.stringValue.flatMap(Duration.init(iso8601:))
        }
    }

    private static func strings(
        _ reply: JSONObject, _ key: String
    ) throws(RESTFailure) -> [String: String] {
        guard let value = reply[key], !value.isNull else { return [:] }
        guard let object = value.objectValue else {
            throw .nonsense(reason: "\(key) in the server's configuration is \(value.kindName)")
        }
        var strings: [String: String] = [:]
        // What is null is not set; what is no text is no setting that we know.
        for member in object.members { strings[member.key] = member.value.stringValue }
        return strings
    }

    /// It goes into URLs as it is: servers give it encoded where it must be.
    private static func prefix(_ text: String) throws(RESTFailure) -> String {
        var segments = text.split(separator: "/", omittingEmptySubsequences: false)
        while segments.first?.isEmpty == true { segments.removeFirst() }
        while segments.last?.isEmpty == true { segments.removeLast() }
        let isUsable = segments.allSatisfy { segment in
            !segment.isEmpty && segment != "." && segment != ".."
                && segment.utf8.allSatisfy {
                    $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#")
                }
        }
        guard isUsable else { throw .nonsense(reason: "the server's prefix cannot be used") }
        return segments.joined(separator: "/")
    }
}

extension Duration {
    /// Reads the days, hours, minutes and seconds of an ISO 8601 duration: `PT30M`, `P1DT12H`.
    ///
    /// Nil for years and months, whose length varies, and for anything else.
    init?(iso8601 text: String) {
        guard text.hasPrefix("P") else { return nil }
        var total = Duration.zero
        var isTime = false
        var number = ""
        var parts = 0
        for character in text.dropFirst() {
            switch character {
            case "0"..."9", ".": number.append(character)
            case "T":
                guard !isTime, number.isEmpty else { return nil }
                isTime = true
            default:
                let units: [Character: Double] =
                    isTime ? ["H": 3600, "M": 60, "S": 1] : ["D": 86_400, "W": 604_800]
                guard let unit = units[character], let value = Double(number), value < 1e9 else {
                    return nil
                }
                total += .seconds(value * unit)
                number = ""
                parts += 1
            }
        }
        guard number.isEmpty, parts > 0 else { return nil }
        self = total
    }
}
