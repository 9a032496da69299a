// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

/// What is done for one method at one path.
struct Route: Sendable {
    typealias Handler = @Sendable (APIRequest) async throws(APIFailure) -> Response

    let method: HTTPRequest.Method
    let template: PathTemplate
    let handler: Handler

    static func get(_ template: PathTemplate, _ handler: @escaping Handler) -> Route {
        Route(method: .get, template: template, handler: handler)
    }

    static func post(_ template: PathTemplate, _ handler: @escaping Handler) -> Route {
        Route(method: .post, template: template, handler: handler)
    }

    static func delete(_ template: PathTemplate, _ handler: @escaping Handler) -> Route {
        Route(method: .delete, template: template, handler: handler)
    }
}

/// Finds the route of a request.
///
/// The server's own router answers 404 where a path exists under another method and decodes no
/// segments; a table of a dozen rows is searched as fast and says exactly what there is, which is
/// what the OpenAPI document is compared with.
struct RouteTable: Sendable {
    enum Match {
        case found(Route, parameters: [String: String])
        case wrongMethod(PathTemplate, allowed: [HTTPRequest.Method])
        case noSuchPath
    }

    let routes: [Route]
    /// Literals before parameters.
    private let templates: [PathTemplate]

    init(_ routes: [Route]) {
        self.routes = routes
        var templates: [PathTemplate] = []
        for route in routes where !templates.contains(route.template) {
            templates.append(route.template)
        }
        self.templates = templates.sorted { $0.precedes($1) }
    }

    func match(_ method: HTTPRequest.Method, _ target: RequestTarget) -> Match {
        for template in templates {
            guard let parameters = template.match(target.segments) else { continue }
            // HEAD is GET without the body (RFC 9110 section 9.3.2).
            let wanted = method == .head ? .get : method
            let candidates = routes.filter { $0.template == template }
            if let route = candidates.first(where: { $0.method == wanted }) {
                return .found(route, parameters: parameters)
            }
            return .wrongMethod(template, allowed: Self.allowed(candidates))
        }
        return .noSuchPath
    }

    private static func allowed(_ routes: [Route]) -> [HTTPRequest.Method] {
        routes.flatMap { $0.method == .get ? [.get, .head] : [$0.method] }
    }
}
