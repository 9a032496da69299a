// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// A path with parameters in braces, as OpenAPI writes it: `/jobs/{job_id}/cancel`.
struct PathTemplate: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    private enum Segment: Hashable, Sendable {
        case literal(String)
        case parameter(String)
    }

    let description: String
    private let segments: [Segment]

    init(stringLiteral text: String) {
        description = text
        segments = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map {
            $0.first == "{" ? .parameter(String($0.dropFirst().dropLast())) : .literal(String($0))
        }
    }

    /// The parameters of a path that has this form, decoded; nil for a path of another form.
    ///
    /// A segment that cannot be decoded stays as it is: its percent sign is in no valid name, so
    /// whoever reads it refuses it.
    func match(_ path: [Substring]) -> [String: String]? {
        guard path.count == segments.count else { return nil }
        var parameters: [String: String] = [:]
        for (segment, text) in zip(segments, path) {
            let decoded = PercentEncoding.decode(String(text)) ?? String(text)
            switch segment {
            case .literal(let literal):
                guard decoded == literal else { return nil }
            case .parameter(let name):
                guard !decoded.isEmpty else { return nil }
                parameters[name] = decoded
            }
        }
        return parameters
    }

    /// Whether this form is asked before another of the same length: at the first segment in
    /// which they differ in kind, a literal wins over a parameter.
    func precedes(_ other: PathTemplate) -> Bool {
        for pair in zip(segments, other.segments) {
            switch pair {
            case (.literal, .parameter): return true
            case (.parameter, .literal): return false
            case (.literal, .literal), (.parameter, .parameter): continue
            }
        }
        return false
    }
}
