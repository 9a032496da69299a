// SPDX-License-Identifier: Apache-2.0

package import Maintenance

/// What a failed statement means, from what Spark says of it.
///
/// Iceberg's failures come without SQLSTATE, so its exceptions' names and messages decide. What
/// is not known is final: a statement that fails for an unknown reason is not repeated.
package struct SparkFailure: Hashable, Sendable {
    /// What is to be done.
    package enum Kind: Hashable, Sendable {
        /// A passing fault: the job may be tried again.
        case retry
        /// Other writers were first.
        case conflict
        /// The request or the table has to change first.
        case user
        /// Nothing is known to help.
        case fatal
        /// The commit may or may not have happened.
        case commitUnknown
    }

    /// What is to be done.
    package let kind: Kind
    /// Whether the statement is over.
    ///
    /// A connection or an application that was lost ends the operation at the server and not the
    /// work in Spark; and a driver that runs out of memory or is interrupted leaves threads.
    package let provesEnd: Bool
    /// A line for a person.
    package let summary: String
    /// Everything that Spark said, for the log; without secrets.
    package let details: String

    /// The longest line for a person.
    package static let longestSummary = 500
    /// The longest text for the log.
    package static let longestDetails = 20_000

    /// Judges a failure.
    package init(sqlState: String?, message: String) {
        let safe = Redaction.redacting(String(message.prefix(Self.longestDetails)))
        details = safe
        summary = Self.firstLine(of: safe) + Self.advice(on: message)
        kind = Self.kind(sqlState: sqlState, message: message)
        let mentions = { (signs: [String]) in signs.contains { message.utf8Contains($0) } }
        let isOfCatalog =
            mentions(Self.catalogSigns) && !mentions(Self.retrySigns)
            && sqlState?.hasPrefix("08") != true
        provesEnd = (kind != .retry || isOfCatalog) && !mentions(Self.lostSigns)
    }

    /// A conflict that Spark did not call one.
    init(conflict reason: String) {
        kind = .conflict
        provesEnd = true
        summary = reason
        details = reason
    }

    /// A result that cannot be read; only a list of files is ever so long.
    init(tooLarge reason: String) {
        kind = .user
        provesEnd = true
        summary = "the result is too large (\(reason)); narrow the action, as with location"
        details = reason
    }

    /// The error of the action.
    package var error: MaintenanceError {
        switch kind {
        case .retry: .unavailable(reason: "Spark: \(summary)")
        case .conflict: .conflict(reason: summary)
        case .user: .refused(code: "spark_refused", reason: "Spark refused: \(summary)")
        case .fatal: .refused(code: "spark_failed", reason: "Spark failed: \(summary)")
        case .commitUnknown: .commitUnknown(reason: summary)
        }
    }

    // MARK: Kinds

    private static let unknownSigns = [
        "CommitStateUnknownException", "Cannot determine whether the commit was successful",
    ]
    private static let conflictSigns = [
        "CommitFailedException", "Cannot commit", "Found conflicting", "Found new conflicting",
        "found new delete for replaced data file", "found new position delete for replaced",
        "Missing required files to delete", "Requirement failed: ", "has changed: expected",
        "concurrent update", "rewrite commits failed",
    ]
    /// The server lost Spark, or Spark its own driver: the statement may go on all the same.
    private static let lostSigns = [
        "TTransportException", "TApplicationException", "TProtocolException", "Socket for ",
        "SparkContext was shut down", "stopped SparkContext", "SparkContext has been shutdown",
        "UNKNOWN STATE for", "Invalid SessionHandle", "Invalid OperationHandle",
        "InterruptedException", "ClosedChannelException", "not alive",
    ]
    /// The catalog failed, and the statement with it.
    private static let catalogSigns = [
        "org.apache.iceberg.exceptions.ServiceFailureException",
        "org.postgresql.util.PSQLException: The connection attempt failed",
        "org.postgresql.util.PSQLException: This connection has been closed",
        "org.postgresql.util.PSQLException: FATAL: terminating connection due to",
        "org.postgresql.util.PSQLException: FATAL: the database system is ",
        "org.postgresql.util.PSQLException: FATAL: sorry, too many clients already",
    ]
    private static let retrySigns = [
        "Connection refused", "Connection reset", "Connection closed", "ConnectException",
        "ConnectTimeoutException", "SocketException", "SocketTimeoutException", "Broken pipe",
        "Read timed out", "EOFException", "UnknownHostException", "NoHttpResponseException",
        "ServiceUnavailable", "Service Unavailable", "SlowDown",
        "TooManyRequests", "ExecutorLostFailure", "FetchFailedException",
        "Lost executor", "Lost task", "was cancelled", "cancelled as part of", "killed via",
        "Timed out waiting for", "Futures timed out", "Failed to detect the root cause",
        "launch engine", "engine process", "Job aborted due to stage",
        "OutOfMemoryError", "Container killed",
    ]
    private static let userSigns = [
        "NoSuchTableException", "Couldn't load table", "NoSuchNamespaceException",
        "TABLE_OR_VIEW_NOT_FOUND", "CatalogNotFoundException", "CATALOG_NOT_FOUND",
        "Catalog plugin class not found", "is not found: plugin class", noProcedures,
        "PARSE_SYNTAX_ERROR",
        "IllegalArgumentException",
        "Cannot use options", "Unknown procedure", "not found in catalog", "GC is disabled",
        "AccessDenied", "Access Denied", "AccessControlException", "Forbidden",
        "NotAuthorizedException", "Permission denied", "does not have", "Invalid value",
        "Cannot parse", "Procedure does not support", "Missing required parameter",
        "Still referenced by refs",
    ]

    /// What Spark says of a catalog that is none of Iceberg's, its own default one above all.
    private static let noProcedures = "not a ProcedureCatalog"

    /// What a person can do about it, where Spark's own words do not say.
    private static func advice(on message: String) -> String {
        let isOfCatalog = [
            noProcedures, "CatalogNotFoundException", "CATALOG_NOT_FOUND",
            "Catalog plugin class not found", "is not found: plugin class",
        ].contains { message.utf8Contains($0) }
        return isOfCatalog
            ? " (ICEPACK_SPARK_CATALOG must be the name of the Iceberg catalog in Spark)" : ""
    }

    private static func kind(sqlState: String?, message: String) -> Kind {
        let mentions = { (signs: [String]) in signs.contains { message.utf8Contains($0) } }
        // In this order: an unknown commit is often caused by a lost connection, a conflict often
        // wrapped in an aborted stage.
        if mentions(unknownSigns) { return .commitUnknown }
        if mentions(conflictSigns) { return .conflict }
        // Class 42: the statement; 08: the connection; 28: the credentials.
        if let sqlState {
            if sqlState.hasPrefix("42") || sqlState.hasPrefix("28") { return .user }
            if sqlState.hasPrefix("08") { return .retry }
        }
        // A mistake fails tasks and stages too, and as often as they are tried again. A lost
        // connection is never a mistake.
        if mentions(lostSigns) { return .retry }
        if mentions(userSigns) { return .user }
        return mentions(catalogSigns) || mentions(retrySigns) ? .retry : .fatal
    }

    // MARK: The line for people

    private static func firstLine(of text: String) -> String {
        let lines = text.split(whereSeparator: \.isNewline)
        var line = lines.first { !$0.allSatisfy(\.isWhitespace) } ?? ""
        line = line.drop(while: \.isWhitespace)
        var isShorter = true
        while isShorter {
            isShorter = false
            for prefix in ["Error running query:", "Error operating ExecuteStatement:"]
            where line.hasPrefix(prefix) {
                line = line.dropFirst(prefix.count).drop(while: \.isWhitespace)
                isShorter = true
            }
            if let rest = withoutClassName(line) {
                line = rest
                isShorter = true
            }
        }
        guard !line.isEmpty else { return "it gave no reason" }
        return line.count > longestSummary ? line.prefix(longestSummary) + "…" : String(line)
    }

    /// The text after `org.apache.….SomethingException: `; nil if it does not begin so, or if
    /// nothing would be left.
    private static func withoutClassName(_ line: Substring) -> Substring? {
        guard let colon = line.firstIndex(of: ":") else { return nil }
        let name = line[..<colon]
        let isClass =
            name.contains(".")
            && name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "." || $0 == "$" || $0 == "_" }
        let rest = line[line.index(after: colon)...].drop(while: \.isWhitespace)
        return isClass && !rest.isEmpty ? rest : nil
    }
}
