// SPDX-License-Identifier: Apache-2.0

import Fleet
import Hummingbird
import Jobs
import WireFormat

extension APIHandlers {
    /// `GET /tables/{database}/{table}/status/cached`: the status of the last look.
    func cachedStatus(_ request: APIRequest) async throws(APIFailure) -> Response {
        guard let status = try await cachedDocument(request).status else {
            throw .problem(
                Problem(
                    .notCollected,
                    "\(try request.table()) could never be read; its health/cached says why."))
        }
        return Response(status)
    }

    /// `GET /tables/{database}/{table}/health/cached`: the health of the last look.
    func cachedHealth(_ request: APIRequest) async throws(APIFailure) -> Response {
        Response(try await cachedDocument(request).health)
    }

    /// `GET /jobs/history/health`: assessments, the newest first; a higher limit than the cap is
    /// the cap.
    func healthHistory(_ request: APIRequest) async throws(APIFailure) -> Response {
        let parameters = try QueryParameters(request, allowing: ["table", "limit"])
        let limit = try parameters.integer("limit", in: 1...Int.max, default: defaultPageSize)
        let table = try Self.table(parameters)
        let history = try await once(logger: request.logger) { () throws(JobStoreError) in
            try await store.healthHistory(
                of: table, limit: min(limit, RecordedHealth.maximumPage))
        }
        return Response(.array(history.map(CachedDocument.assessment)))
    }

    private func cachedDocument(
        _ request: APIRequest
    ) async throws(APIFailure) -> CachedDocument {
        let table = try request.table()
        _ = try QueryParameters(request, allowing: [])
        let recorded = try await once(logger: request.logger) { () throws(JobStoreError) in
            try await store.observation(of: table)
        }
        guard let recorded else {
            throw .problem(
                Problem(
                    .notCollected,
                    "Nobody has looked at \(table) yet; ask for it without /cached, or wait for "
                        + "the health sync."))
        }
        let listed = try await once(logger: request.logger) { () throws(JobStoreError) in
            try await store.cachedTable(table)
        }
        let listing = try await once(logger: request.logger) { () throws(JobStoreError) in
            try await store.tableCacheState()
        }
        return CachedDocument(
            recorded, listed: listed, listedAt: listing.lastSynced,
            staleAfter: configuration.observationStaleness)
    }
}
