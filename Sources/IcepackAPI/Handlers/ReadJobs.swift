// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Jobs
import WireFormat

/// The most jobs on a page.
let maximumPageSize = 500

/// How many jobs are on a page when the client does not say.
let defaultPageSize = 100

extension APIHandlers {
    /// `GET /jobs`: jobs that nobody has deleted, newest first.
    func listJobs(_ request: APIRequest) async throws(APIFailure) -> Response {
        let parameters = try QueryParameters(
            request, allowing: ["table", "status", "limit", "cursor"])
        let limit = try parameters.integer(
            "limit", in: 1...maximumPageSize, default: defaultPageSize)
        return try await page(parameters, visibility: .normal, limit: limit, request)
    }

    /// `GET /jobs/history`: the same with deleted jobs; a higher limit than the cap is the cap.
    func listHistory(_ request: APIRequest) async throws(APIFailure) -> Response {
        let parameters = try QueryParameters(
            request, allowing: ["table", "status", "limit", "cursor"])
        let limit = try parameters.integer("limit", in: 1...Int.max, default: defaultPageSize)
        return try await page(
            parameters, visibility: .includingDeleted, limit: min(limit, maximumPageSize), request)
    }

    /// `GET /jobs/{job_id}`.
    func readJob(_ request: APIRequest) async throws(APIFailure) -> Response {
        let id = try request.jobID()
        _ = try QueryParameters(request, allowing: [])
        let job = try await existing(id, request)
        let headers: HTTPFields = job.status.isTerminal ? [:] : [.retryAfter: jobRetryAfter]
        return Response(job.json, headers: headers)
    }

    /// The job, if it is there and nobody has deleted it.
    func existing(_ id: JobID, _ request: APIRequest) async throws(APIFailure) -> Job {
        let job = try await once(logger: request.logger) { () throws(JobStoreError) in
            try await store.job(id, visibility: .normal)
        }
        guard let job else { throw .problem(.jobNotFound) }
        return job
    }

    private func page(
        _ parameters: QueryParameters, visibility: JobVisibility, limit: Int,
        _ request: APIRequest
    ) async throws(APIFailure) -> Response {
        // One more than the page tells whether there is another.
        var query = JobQuery(visibility: visibility, limit: limit + 1)
        query.table = try Self.table(parameters)
        query.status = try Self.status(parameters)
        query.after = try Self.cursor(parameters)?.position
        let jobs = try await once(logger: request.logger) { () throws(JobStoreError) in
            try await store.jobs(matching: query)
        }
        var headers = HTTPFields()
        if jobs.count > limit, let last = jobs.prefix(limit).last {
            let next = Self.target(
                request.path, parameters, limit: limit, cursor: ListCursor(after: last))
            headers[.link] = "<\(next)>; rel=\"next\""
        }
        return Response(.array(jobs.prefix(limit).map(\.json)), headers: headers)
    }

    static func table(_ parameters: QueryParameters) throws(APIFailure) -> TableName? {
        guard let text = parameters.text("table") else { return nil }
        guard let name = TableName(dotted: text) else {
            throw .problem(
                QueryParameters.invalid(
                    "table",
                    "must be a database and a table joined by a dot, such as "
                        + "analytics.page_views"))
        }
        return name
    }

    private static func status(_ parameters: QueryParameters) throws(APIFailure) -> JobStatus? {
        guard let text = parameters.text("status") else { return nil }
        guard let status = JobStatus(rawValue: text) else {
            let all = JobStatus.allCases.map(\.rawValue)
            throw .problem(
                QueryParameters.invalid("status", "must be one of \(all.joined(separator: ", "))"))
        }
        return status
    }

    private static func cursor(_ parameters: QueryParameters) throws(APIFailure) -> ListCursor? {
        guard let text = parameters.text("cursor") else { return nil }
        guard let cursor = ListCursor(text) else {
            throw .problem(
                QueryParameters.invalid(
                    "cursor", "must be taken from a Link header as it is"))
        }
        return cursor
    }

    private static func target(
        _ path: String, _ parameters: QueryParameters, limit: Int, cursor: ListCursor
    ) -> String {
        var query = ["limit=\(limit)", "cursor=\(cursor.text)"]
        for name in ["table", "status"] {
            guard let value = parameters.text(name) else { continue }
            query.append("\(name)=\(PercentEncoding.encode(value))")
        }
        return "\(path)?\(query.joined(separator: "&"))"
    }
}
