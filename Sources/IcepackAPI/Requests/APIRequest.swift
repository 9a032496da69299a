// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Jobs
import Logging
import NIOCore
import WireFormat

/// A request that found its route.
struct APIRequest: Sendable {
    let method: HTTPRequest.Method
    /// The path's parameters, decoded.
    let parameters: [String: String]
    /// The path as the client sent it, without the query.
    let path: String
    /// The query, still encoded.
    let query: String?
    let headers: HTTPFields
    let body: RequestBody
    let logger: Logger

    /// The table that the path names.
    func table() throws(APIFailure) -> TableName {
        let database = parameters["database"] ?? ""
        let table = parameters["table"] ?? ""
        guard TableName.isValid(database: database) else {
            throw .problem(.invalidDatabaseName)
        }
        guard TableName.isValid(table: table) else { throw .problem(.invalidTableName) }
        return TableName(database: database, table: table)
    }

    /// The job that the path names; a malformed name is one that no job has.
    func jobID() throws(APIFailure) -> JobID {
        guard let id = JobID(parameters["job_id"] ?? "") else { throw .problem(.jobNotFound) }
        return id
    }

    /// Reads the whole body, which must be a JSON object.
    ///
    /// - Parameter hint: what to tell those who send no body, after "send a JSON object".
    func object(limit: Int, _ hint: String) async throws(APIFailure) -> JSONObject {
        let body = try await json(limit: limit, hint)
        guard let object = body.objectValue else {
            throw .problem(
                Problem(.invalidField, "The body must be an object, not \(body.kindName).")
                    .about(field: "body"))
        }
        return object
    }

    /// Reads the whole body as JSON, whatever its `Content-Type`: many tools send JSON under a
    /// form's type, and no other reading of these bodies exists.
    private func json(limit: Int, _ hint: String) async throws(APIFailure) -> JSONValue {
        if let announced = headers[.contentLength].flatMap({ Int($0) }), announced > limit {
            throw .problem(.bodyTooLarge(limit: limit))
        }
        let bytes = try await bodyBytes(limit: limit)
        guard !bytes.isEmpty else {
            throw .problem(
                Problem(.malformedJSON, "The body is empty; send a JSON object \(hint)."))
        }
        do throws(JSONSyntaxError) {
            return try JSONValue(parsing: bytes)
        } catch {
            if let key = error.duplicateKey {
                throw .problem(
                    Problem(.duplicateField, "The field \(key) is given twice; give it once.")
                        .about(field: key))
            }
            throw .problem(
                Problem(
                    .malformedJSON,
                    "The body is not valid JSON: \(error.reason), at byte \(error.offset)."))
        }
    }

    private func bodyBytes(limit: Int) async throws(APIFailure) -> [UInt8] {
        do {
            return Array(buffer: try await body.collect(upTo: limit))
        } catch is NIOTooManyBytesError {
            throw .problem(.bodyTooLarge(limit: limit))
        } catch is RequestReadTimeout {
            throw .problem(.requestTimeout)
        } catch {
            throw .connection(error)
        }
    }
}

extension Problem {
    static let invalidDatabaseName = Problem(
        .invalidDatabaseName,
        "A database name has letters, digits and underscores, in parts joined by single dots or "
            + "dashes, and at most \(TableName.maximumLength) characters.")

    static let invalidTableName = Problem(
        .invalidTableName,
        "A table name has letters, digits, underscores and dashes, does not begin with a dash, and "
            + "has at most \(TableName.maximumLength) characters.")

    static let jobNotFound = Problem(
        .jobNotFound, "There is no job with this id, or it was deleted.")

    static let requestTimeout = Problem(
        .requestTimeout, "The body did not arrive in time; send it without pauses.")

    static func bodyTooLarge(limit: Int) -> Problem {
        Problem(.bodyTooLarge, "A body may have at most \(limit) bytes.")
    }
}
