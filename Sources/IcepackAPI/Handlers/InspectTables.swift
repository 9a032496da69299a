// SPDX-License-Identifier: Apache-2.0

import Fleet
import Hummingbird
import Jobs
import Logging
import WireFormat

extension APIHandlers {
    /// `GET /tables/{database}/{table}/status`: observed facts only.
    func tableStatus(_ request: APIRequest) async throws(APIFailure) -> Response {
        try await document(.status, request)
    }

    /// `GET /tables/{database}/{table}/health`: whether those are concerning.
    func tableHealth(_ request: APIRequest) async throws(APIFailure) -> Response {
        try await document(.health, request)
    }

    /// `GET /tables/{database}/{table}/maintenance/recommendation`: what should be run, and why.
    func recommendation(_ request: APIRequest) async throws(APIFailure) -> Response {
        try await document(.recommendation, request)
    }

    private func document(
        _ document: TableDocument, _ request: APIRequest
    ) async throws(APIFailure) -> Response {
        let table = try request.table()
        _ = try QueryParameters(request, allowing: [])
        try await requireCached(table, request)
        guard let slot = inspections.take() else {
            throw .problem(
                Problem(
                    .busy,
                    "\(limits.maximumInspections) tables are being looked at; try again shortly."))
        }
        switch await inspect(table, for: document, holding: slot) {
        case .success(let document): return Response(document)
        case .failure(let error): throw Self.failure(error, table, request.logger)
        case nil:
            throw .problem(
                Problem(
                    .inspectionTimeout,
                    "Looking at \(table) took longer than \(limits.inspectionLimit)."))
        }
    }

    /// Looks at a table; nil when the time is up.
    private func inspect(
        _ table: TableName, for document: TableDocument, holding slot: SlotLimiter.Slot
    ) async -> Result<JSONValue, InspectionError>? {
        let (finished, finish) = AsyncStream<Result<JSONValue, InspectionError>?>.makeStream()
        let inspector = configuration.inspector
        // Not a child task: the reply must not wait for a read of a distant store that is slow to
        // notice its cancellation. It holds the slot until it has really ended.
        let task = Task {
            do throws(InspectionError) {
                finish.yield(.success(try await inspector(table, document)))
            } catch {
                finish.yield(.failure(error))
            }
            withExtendedLifetime(slot) {}
        }
        // Cancelled, and ends at once, when this returns.
        let timer = Task { [limit = limits.inspectionLimit] in
            // Cancelled when the answer came in time.
            do { try await Task.sleep(for: limit) } catch { return }
            finish.yield(nil)
        }
        defer {
            timer.cancel()
            task.cancel()
        }
        for await outcome in finished { return outcome }
        return nil
    }

    private static func failure(
        _ error: InspectionError, _ table: TableName, _ logger: Logger
    ) -> APIFailure {
        let problem: Problem
        switch error {
        case .noSuchTable:
            return .problem(Problem(.tableNotFound, "The catalog has no table \(table) any more."))
        case .store(let error): return .store(error, logger: logger)
        case .unavailable:
            problem = Problem(
                .tableUnavailable,
                "The catalog or the storage failed while \(table) was looked at; try again.")
        case .unreadable:
            problem = Problem(
                .tableUnreadable, "The metadata or a manifest of \(table) cannot be used.")
        case .cancelled: problem = .internalError
        }
        logger.warning(
            "table not inspected", metadata: ["table.name": "\(table)", "reason": "\(error)"])
        return .problem(problem)
    }
}
