// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging

/// Answers one request: finds its route, runs it, turns failures into problem documents and adds
/// what every response carries.
struct APIResponder: HTTPResponder {
    typealias Context = RequestScope

    private let table: RouteTable
    private let logger: Logger

    init(table: RouteTable, logger: Logger) {
        self.table = table
        self.logger = logger
    }

    func respond(to request: Request, context: RequestScope) async throws -> Response {
        let start = ContinuousClock.now
        let id = RequestID.of(request.headers)
        var log = logger
        log[metadataKey: "request.id"] = .string(id)
        let outcome: (template: String, response: Response)
        do throws(APIFailure) {
            outcome = try await route(request, logger: log)
        } catch {
            switch error {
            case .problem(let problem): outcome = ("-", problem.response)
            case .connection(let error): throw error
            }
        }
        let response = finished(outcome.response, of: request, id: id)
        // Probes come every few seconds and would drown the rest.
        let isProbe = ["/healthz", "/readyz"].contains(outcome.template)
        log.log(
            level: isProbe ? .debug : .info, "request",
            metadata: [
                "http.method": "\(request.method)", "http.route": "\(outcome.template)",
                "http.status": "\(response.status.code)",
                "duration": "\(start.duration(to: .now))",
            ])
        return response
    }

    /// Problems inside a route are answered here, so that the log can name the route.
    private func route(
        _ request: Request, logger: Logger
    ) async throws(APIFailure) -> (template: String, response: Response) {
        guard let target = RequestTarget(request.head.path ?? "") else {
            throw .problem(.noSuchPath)
        }
        switch table.match(request.method, target) {
        case .noSuchPath: throw .problem(.noSuchPath)
        case .wrongMethod(let template, let allowed):
            return (template.description, Problem.wrongMethod(request.method, allowed).response)
        case .found(let route, let parameters):
            let path = "/" + target.segments.joined(separator: "/")
            let call = APIRequest(
                method: request.method, parameters: parameters, path: path,
                query: target.query.map(String.init), headers: request.headers,
                body: request.body, logger: logger)
            let response = try await Self.run(route, call, head: request.head)
            return (route.template.description, response)
        }
    }

    private static func run(
        _ route: Route, _ call: APIRequest, head: HTTPRequest
    ) async throws(APIFailure) -> Response {
        do throws(APIFailure) {
            guard !CrossSiteGuard.isForeign(head) else { throw .problem(.crossSite) }
            return try await route.handler(call)
        } catch {
            switch error {
            case .problem(let problem): return problem.response
            case .connection: throw error
            }
        }
    }

    private func finished(_ response: Response, of request: Request, id: String) -> Response {
        var response = request.method == .head ? response.createHeadResponse() : response
        response.headers[.requestID] = id
        response.headers[.cacheControl] = "no-store"
        response.headers[.xContentTypeOptions] = "nosniff"
        return response
    }
}

extension Problem {
    fileprivate static let noSuchPath = Problem(
        .notFound, "There is nothing at this path; GET /openapi.json lists every path.")

    fileprivate static let crossSite = Problem(
        .crossSiteRequest, "A browser may change something here only from the service's own pages.")

    fileprivate static func wrongMethod(
        _ method: HTTPRequest.Method, _ allowed: [HTTPRequest.Method]
    ) -> Problem {
        let list = allowed.map(\.rawValue).joined(separator: ", ")
        var problem = Problem(
            .methodNotAllowed, "This path does not take \(method.rawValue); it takes \(list).")
        problem.headers[.allow] = list
        return problem
    }
}
