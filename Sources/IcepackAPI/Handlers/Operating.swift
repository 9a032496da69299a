// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Jobs
import Logging
import NIOCore
import WireFormat

extension APIHandlers {
    /// `GET /healthz`: answers while the process can.
    func health(_ request: APIRequest) async throws(APIFailure) -> Response {
        _ = try QueryParameters(request, allowing: [])
        return Response(["status": "ok"])
    }

    /// `GET /readyz`: whether requests can be served now, check by check.
    func readiness(_ request: APIRequest) async throws(APIFailure) -> Response {
        _ = try QueryParameters(request, allowing: [])
        let checks = [
            await storeCheck(request.logger), await tableCacheCheck(request.logger),
        ]
        let json = JSONValue.object(
            JSONObject(checks.map { .init(key: $0.name, value: $0.json) }))
        guard checks.allSatisfy(\.isPassed) else {
            let failed = checks.filter { !$0.isPassed }.map(\.detail).joined(separator: "; ")
            throw .problem(Problem(.notReady, "\(failed).").with("checks", json))
        }
        return Response(
            .object(
                JSONObject([
                    .init(key: "status", value: "ready"), .init(key: "checks", value: json),
                ])))
    }

    private func storeCheck(_ logger: Logger) async -> ReadinessCheck {
        do throws(JobStoreError) {
            try await store.ping(within: limits.storePingLimit)
            return ReadinessCheck(name: "store", isPassed: true, detail: "the job store answers")
        } catch {
            logger.warning("readiness: store", metadata: ["reason": "\(error)"])
            return ReadinessCheck(
                name: "store", isPassed: false, detail: "the job store does not answer")
        }
    }

    private func tableCacheCheck(_ logger: Logger) async -> ReadinessCheck {
        let limit = configuration.tableCacheStaleness
        do throws(JobStoreError) {
            guard let age = try await store.tableCacheState().age else {
                return ReadinessCheck(
                    name: "table_cache", isPassed: false,
                    detail: "the catalog's tables were never listed")
            }
            let seconds = age.components.seconds
            return ReadinessCheck(
                name: "table_cache", isPassed: age <= limit,
                detail: age <= limit
                    ? "the table cache is \(seconds) s old"
                    : "the table cache is \(seconds) s old, more than \(limit.components.seconds) s"
            )
        } catch {
            logger.warning("readiness: table cache", metadata: ["reason": "\(error)"])
            return ReadinessCheck(
                name: "table_cache", isPassed: false, detail: "the table cache cannot be read")
        }
    }

    /// `GET /openapi.json`.
    func openAPI(_ request: APIRequest) async throws(APIFailure) -> Response {
        _ = try QueryParameters(request, allowing: [])
        return Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: OpenAPIDocument.bytes)))
    }
}

/// One thing that must hold for the service to be ready.
private struct ReadinessCheck {
    let name: String
    let isPassed: Bool
    let detail: String

    var json: JSONValue {
        .object(
            JSONObject([
                .init(key: "ok", value: .bool(isPassed)),
                .init(key: "detail", value: .string(detail)),
            ]))
    }
}
