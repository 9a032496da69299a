// SPDX-License-Identifier: Apache-2.0

import Maintenance
import SparkEngine
import Testing

/// What Spark's messages mean, and what of them people and logs see.
@Suite struct FailureTests {
    @Test(arguments: [
        (nil, "org.apache.iceberg.exceptions.CommitFailedException: Cannot commit x", "conflict"),
        (
            nil,
            "org.apache.iceberg.exceptions.ValidationException: Cannot commit, found new delete "
                + "for replaced data file: GenericDataFile{…}", "conflict"
        ),
        (nil, "ValidationException: Found conflicting files that can contain records", "conflict"),
        (nil, "Missing required files to delete: s3://b/f", "conflict"),
        (
            nil,
            "org.apache.iceberg.exceptions.CommitStateUnknownException: Cannot commit\n"
                + "Caused by: java.net.SocketTimeoutException", "unknown"
        ),
        (nil, "Couldn't load table 'db.nope' in catalog 'lab'", "user"),
        ("42601", "[PARSE_SYNTAX_ERROR] Syntax error at or near 'CALL'", "user"),
        ("42P01", "whatever", "user"),
        ("28000", "whatever", "user"),
        ("08001", "whatever", "retry"),
        (nil, "java.lang.IllegalArgumentException: Cannot use options [x]", "user"),
        (nil, "org.apache.spark.SparkException: Job 7 was cancelled ", "retry"),
        (nil, "SparkException: Job aborted due to stage failure: Task 0 in stage 1.0", "retry"),
        (
            nil,
            "SparkException: Job aborted due to stage failure\nCaused by: "
                + "org.apache.iceberg.exceptions.CommitFailedException: x", "conflict"
        ),
        (nil, "java.net.ConnectException: Connection refused", "retry"),
        (nil, "Cannot call methods on a stopped SparkContext", "retry"),
        (
            nil,
            "SparkException: Job aborted due to stage failure: Lost task 0.3 in stage 1.0 (TID 4): "
                + "java.nio.file.AccessDeniedException: s3a://b/f: Access Denied", "user"
        ),
        (
            nil,
            "Lost executor 3\nCaused by: org.apache.iceberg.exceptions.NoSuchTableException: x",
            "user"
        ),
        (nil, "TTransportException: java.net.SocketException: Broken pipe", "retry"),
        (nil, "Error operating ExecuteStatement: Socket for SessionHandle [x] is closed", "retry"),
        (
            nil,
            "partial-progress.enabled is true but 6 rewrite commits failed. This is more than the "
                + "maximum allowed failures of 5.", "conflict"
        ),
        (nil, "java.lang.NullPointerException", "fatal"),
        (nil, "", "fatal"),
        ("XX000", "strange", "fatal"),
    ])
    func `failures are classified by what is to be done`(
        sqlState: String?, message: String, expected: String
    ) {
        switch SparkFailure(sqlState: sqlState, message: message).error {
        case .unavailable: #expect(expected == "retry")
        case .conflict: #expect(expected == "conflict")
        case .commitUnknown: #expect(expected == "unknown")
        case .refused(let code, _):
            #expect(expected == (code == "spark_refused" ? "user" : "fatal"))
        case .fenceLost, .cancelled, .unreadable, .stillRunning: Issue.record("\(message)")
        }
    }

    @Test func `a catalog that is none of Iceberg's is a mistake, and says which setting`() {
        let failure = SparkFailure(
            sqlState: nil, message: "Cannot use catalog spark_catalog: not a ProcedureCatalog")

        guard case .refused("spark_refused", let reason) = failure.error else {
            Issue.record("\(failure.error)")
            return
        }
        #expect(reason.hasPrefix("Spark refused: Cannot use catalog spark_catalog"))
        #expect(reason.contains("ICEPACK_SPARK_CATALOG"))
    }

    @Test func `a known secret is hidden wherever it stands`() {
        let text = "BAD login of hunter2secret, hunter2secret"

        #expect(Redaction.hiding(["hunter2secret", ""], in: text) == "BAD login of ***, ***")
    }

    @Test func `people see the first line without the names of classes`() {
        let failure = SparkFailure(
            sqlState: nil,
            message: "\n  Error running query: org.apache.iceberg.exceptions.NoSuchTableException: "
                + "java.lang.RuntimeException: Table does not exist: db.t\n\tat org.apache.Foo(Bar)"
        )

        #expect(failure.summary == "Table does not exist: db.t")
        #expect(failure.details.contains("at org.apache.Foo"))
    }

    @Test func `a message without a line says so`() {
        #expect(SparkFailure(sqlState: nil, message: " \n ").summary == "it gave no reason")
        #expect(SparkFailure(sqlState: nil, message: "a.B:").summary == "a.B:")
    }

    @Test func `a line for people has an end`() {
        let message = String(repeating: "x", count: SparkFailure.longestSummary)
        #expect(SparkFailure(sqlState: nil, message: message).summary == message)
        let longer = SparkFailure(sqlState: nil, message: message + "y")
        #expect(longer.summary == message + "…")
        let huge = SparkFailure(
            sqlState: nil, message: String(repeating: "x", count: 3 * SparkFailure.longestDetails))
        #expect(huge.details.count == SparkFailure.longestDetails)
    }

    @Test(arguments: [
        ("fs.s3a.secret.key=hunter2 rest", "fs.s3a.secret.key=*** rest"),
        ("password: hunter2", "password: ***"),
        ("Password = hunter2 x", "Password = *** x"),
        ("jdbc:postgresql://u:hunter2@h/db", "jdbc:postgresql://***@h/db"),
        ("Authorization: Bearer hunter2", "Authorization: Bearer ***"),
        ("{\"token\":\"hunter2\"}", "{\"token\":***"),
        ("X-Amz-Signature=hunter2&a=b", "X-Amz-Signature=***"),
        ("password=hunter2\nat line", "password=***\nat line"),
        ("[password,hunter2, user,u]", "[password,*** user,u]"),
        ("a token of thanks", "a token of thanks"),
        ("https://host/path@x", "https://host/path@x"),
        ("", ""),
    ])
    func `secrets stay out`(text: String, expected: String) {
        #expect(Redaction.redacting(text) == expected)
    }
}
