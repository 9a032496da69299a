// SPDX-License-Identifier: Apache-2.0

import GRDB
import Jobs

/// Runs the body and turns what SQLite reports into what the caller must do next.
func mappingErrors<Value>(_ body: () throws -> Value) throws(JobStoreError) -> Value {
    do { return try body() } catch { throw JobStoreError(error, whileCommitting: false) }
}

extension JobStoreError {
    /// From whatever a database access threw.
    ///
    /// While committing, an I/O error leaves open whether the commit record reached the disk; any
    /// other failure rolls back, so nothing happened.
    init(_ error: any Error, whileCommitting isCommitting: Bool) {
        if let own = error as? JobStoreError {
            self = own
            return
        }
        guard let database = error as? DatabaseError else {
            self = .unavailable(reason: "the store failed: \(type(of: error))")
            return
        }
        // Result codes only: the message and the statement may carry names and values.
        let code = "SQLite error \(database.extendedResultCode.rawValue)"
        switch database.resultCode {
        case .SQLITE_IOERR where isCommitting:
            self = .outcomeUnknown(reason: "I/O error while committing (\(code))")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self = .unavailable(reason: "another process is writing (\(code))")
        case .SQLITE_FULL:
            self = .unavailable(reason: "the disk is full (\(code))")
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT:
            self = .corrupt(reason: "the store's file is damaged or no database (\(code))")
        case .SQLITE_CONSTRAINT, .SQLITE_MISMATCH:
            self = .corrupt(reason: "the store holds rows that contradict each other (\(code))")
        case .SQLITE_ERROR:
            self = .corrupt(
                reason:
                    "the store's schema is not the expected one: run `icepack migrate` (\(code))")
        default:
            self = .unavailable(reason: "the store failed (\(code))")
        }
    }
}
