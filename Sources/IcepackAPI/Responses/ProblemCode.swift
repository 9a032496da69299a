// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// The machine's name of every way in which a request can fail; stable once released.
enum ProblemCode: String, CaseIterable, Hashable, Sendable {
    // The connection and the request as such.
    case malformedRequest = "malformed_request"
    case headersTooLarge = "headers_too_large"
    case requestTimeout = "request_timeout"
    case bodyTooLarge = "body_too_large"
    case notFound = "not_found"
    case methodNotAllowed = "method_not_allowed"
    case crossSiteRequest = "cross_site_request"

    // Names, parameters and bodies.
    case malformedJSON = "malformed_json"
    case emptyActions = "empty_actions"
    case unknownAction = "unknown_action"
    case invalidDatabaseName = "invalid_database_name"
    case invalidTableName = "invalid_table_name"
    case invalidParameter = "invalid_parameter"
    case unknownParameter = "unknown_parameter"
    case invalidField = "invalid_field"
    case unknownField = "unknown_field"
    case duplicateField = "duplicate_field"
    case invalidOption = "invalid_option"
    case unknownOption = "unknown_option"
    case invalidIdempotencyKey = "invalid_idempotency_key"

    // What the request asks for.
    case noEngineForAction = "no_engine_for_action"
    case idempotencyKeyReused = "idempotency_key_reused"
    case tableNotFound = "table_not_found"
    case jobNotFound = "job_not_found"
    case runNotFound = "run_not_found"
    case notCollected = "not_collected"
    case quarantineNotFound = "quarantine_not_found"
    case tableLocked = "table_locked"
    case jobTerminal = "job_terminal"
    case jobActive = "job_active"

    // The state of the service.
    case drainMode = "drain_mode"
    case storeUnavailable = "store_unavailable"
    case notReady = "not_ready"
    case busy
    case tableUnavailable = "table_unavailable"
    case tableUnreadable = "table_unreadable"
    case quarantineFailed = "quarantine_failed"
    case planTimeout = "plan_timeout"
    case inspectionTimeout = "inspection_timeout"
    case internalError = "internal_error"
}

extension ProblemCode {
    /// The status that always goes with the code.
    var status: HTTPResponse.Status {
        switch self {
        case .malformedRequest, .malformedJSON, .emptyActions, .unknownAction: .badRequest
        case .crossSiteRequest: .forbidden
        case .notFound, .tableNotFound, .jobNotFound, .runNotFound, .notCollected,
            .quarantineNotFound:
            .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .requestTimeout: .requestTimeout
        case .tableLocked, .jobTerminal, .jobActive: .conflict
        case .bodyTooLarge: .contentTooLarge
        case .invalidDatabaseName, .invalidTableName, .invalidParameter, .unknownParameter,
            .invalidField, .unknownField, .duplicateField, .invalidOption, .unknownOption,
            .invalidIdempotencyKey, .noEngineForAction, .idempotencyKeyReused:
            .unprocessableContent
        case .headersTooLarge: .requestHeaderFieldsTooLarge
        case .internalError: .internalServerError
        case .tableUnavailable, .tableUnreadable, .quarantineFailed: .badGateway
        case .drainMode, .storeUnavailable, .notReady, .busy: .serviceUnavailable
        case .planTimeout, .inspectionTimeout: .gatewayTimeout
        }
    }

    /// The code in words; the same for every occurrence.
    var title: String {
        switch self {
        case .malformedRequest: "The request is not valid HTTP"
        case .headersTooLarge: "The header fields are too large"
        case .requestTimeout: "The request came too slowly"
        case .bodyTooLarge: "The body is too large"
        case .notFound: "There is nothing at this path"
        case .methodNotAllowed: "This path does not take this method"
        case .crossSiteRequest: "A web page of another site sent the request"
        case .malformedJSON: "The body is not JSON"
        case .emptyActions: "No action is named"
        case .unknownAction: "There is no such action"
        case .invalidDatabaseName: "The database name breaks the rules"
        case .invalidTableName: "The table name breaks the rules"
        case .invalidParameter: "A query parameter has a bad value"
        case .unknownParameter: "There is no such query parameter"
        case .invalidField: "A field has a bad value or is missing"
        case .unknownField: "There is no such field"
        case .duplicateField: "A field is given twice"
        case .invalidOption: "An option has a bad value"
        case .unknownOption: "There is no such option"
        case .invalidIdempotencyKey: "The idempotency key is malformed"
        case .noEngineForAction: "No configured engine runs this action"
        case .idempotencyKeyReused: "The idempotency key belongs to another request"
        case .tableNotFound: "The table is not known"
        case .jobNotFound: "The job is not known"
        case .runNotFound: "The run is not known"
        case .notCollected: "Nobody has looked at the table yet"
        case .quarantineNotFound: "Nothing of that is in quarantine"
        case .quarantineFailed: "Quarantined files could not be moved or removed"
        case .tableLocked: "Another job holds the table"
        case .jobTerminal: "The job is already over"
        case .jobActive: "The job is not over yet"
        case .drainMode: "The service takes no new jobs"
        case .storeUnavailable: "The job store does not answer"
        case .notReady: "The service is not ready"
        case .busy: "Too many requests of this kind are running"
        case .tableUnavailable: "The catalog or the storage does not answer"
        case .tableUnreadable: "The table's metadata cannot be used"
        case .planTimeout: "The plan took too long"
        case .inspectionTimeout: "Looking at the table took too long"
        case .internalError: "Something went wrong in the service"
        }
    }

    /// When trying again makes sense, in seconds; nil where it does not.
    var retryAfterSeconds: Int? {
        switch self {
        case .drainMode: 30
        case .storeUnavailable, .notReady, .busy, .tableUnavailable: 5
        case .malformedRequest, .headersTooLarge, .requestTimeout, .bodyTooLarge, .notFound,
            .methodNotAllowed, .crossSiteRequest, .malformedJSON, .emptyActions, .unknownAction,
            .invalidDatabaseName, .invalidTableName, .invalidParameter, .unknownParameter,
            .invalidField, .unknownField, .duplicateField, .invalidOption, .unknownOption,
            .invalidIdempotencyKey, .noEngineForAction, .idempotencyKeyReused, .tableNotFound,
            .jobNotFound, .runNotFound, .notCollected, .quarantineNotFound, .quarantineFailed,
            .tableLocked, .jobTerminal, .jobActive, .tableUnreadable, .planTimeout,
            .inspectionTimeout, .internalError:
            nil
        }
    }

    /// Whether the rest of the request is not worth reading, so that the connection must end.
    var endsConnection: Bool {
        switch self {
        case .malformedRequest, .headersTooLarge, .requestTimeout, .bodyTooLarge: true
        case .notFound, .methodNotAllowed, .crossSiteRequest, .malformedJSON, .emptyActions,
            .unknownAction, .invalidDatabaseName, .invalidTableName, .invalidParameter,
            .unknownParameter, .invalidField, .unknownField, .duplicateField, .invalidOption,
            .unknownOption, .invalidIdempotencyKey, .noEngineForAction, .idempotencyKeyReused,
            .tableNotFound, .jobNotFound, .runNotFound, .notCollected, .quarantineNotFound,
            .quarantineFailed, .tableLocked, .jobTerminal, .jobActive, .drainMode,
            .storeUnavailable, .notReady, .busy, .tableUnavailable, .tableUnreadable, .planTimeout,
            .inspectionTimeout, .internalError:
            false
        }
    }
}
