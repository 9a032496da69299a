// SPDX-License-Identifier: Apache-2.0

import WireFormat

/// Reads what Spark's interface and Kyuubi's administration answer.
///
/// Members that are missing or of another type make an entry unreadable only if nothing can be
/// known without them.
enum SparkWebReplies {
    /// The ids of applications: `GET /api/v1/applications`.
    static func applications(_ body: [UInt8]) throws(SparkApplicationsError) -> [String] {
        try elements(body, of: "applications").compactMap { $0["id"]?.stringValue }
            .filter(isName)
    }

    /// Running jobs: `GET /api/v1/applications/{id}/jobs?status=running`.
    static func jobs(
        _ body: [UInt8], of application: String
    ) throws(SparkApplicationsError) -> [SparkJob] {
        try elements(body, of: "jobs").compactMap { job in
            guard let id = job["jobId"]?.int64Value,
                // An older interface does not know the filter.
                job["status"]?.stringValue ?? "RUNNING" == "RUNNING"
            else { return nil }
            return SparkJob(
                application: application, id: id, group: job["jobGroup"]?.stringValue,
                description: job["description"]?.stringValue,
                tasksDone: job["numCompletedTasks"]?.int64Value ?? 0,
                tasks: job["numTasks"]?.int64Value ?? 0)
        }
    }

    /// Statements: `GET /api/v1/applications/{id}/sql`.
    static func statements(
        _ body: [UInt8], of application: String
    ) throws(SparkApplicationsError) -> [SparkStatement] {
        try elements(body, of: "statements").compactMap { statement in
            guard let description = statement["description"]?.stringValue else { return nil }
            let jobs = statement["runningJobIds"]?.arrayValue ?? []
            return SparkStatement(
                application: application, description: description,
                isRunning: statement["status"]?.stringValue == "RUNNING",
                runningJobs: jobs.compactMap(\.int64Value))
        }
    }

    /// Threads: `GET /api/v1/applications/{id}/executors/driver/threads`.
    ///
    /// None at all is no answer: a driver that answers has threads.
    static func threads(_ body: [UInt8]) throws(SparkApplicationsError) -> [SparkThread] {
        let threads = try elements(body, of: "threads").map { thread in
            // Spark wraps the frames; older ones wrote one text.
            let trace = thread["stackTrace"]
            let frames =
                trace?.objectValue?["elems"]?.arrayValue ?? trace?.arrayValue
                ?? trace?.stringValue?.split(separator: "\n").map { .string(String($0)) }
            return SparkThread(
                name: thread["threadName"]?.stringValue ?? "a thread without a name",
                frames: (frames ?? []).compactMap(\.stringValue))
        }
        guard threads.contains(where: { !$0.frames.isEmpty }) else {
            throw .refused(reason: "Spark's interface shows no frames of the driver's threads")
        }
        return threads
    }

    /// What Kyuubi did to the engine of a session: `DELETE /api/v1/admin/engine?kill=true`.
    ///
    /// The reply is a text. Of each engine it says first that its entry in the list was deleted,
    /// which stops nothing, and then, where it was asked to kill it, in a pair of a truth value
    /// and a sentence, whether the cluster took that. A connection's engine is known by the
    /// session's name.
    static func end(of session: String, _ body: [UInt8]) -> SparkApplicationEnd {
        let text = String(decoding: body, as: UTF8.self)
        if text.utf8Contains("/\(session): (true,") { return .killed }
        if let start = text.firstRange(of: "/\(session): (false,") {
            let sentence = text[start.upperBound...].prefix { $0 != ")" && !$0.isNewline }
            return .unproven(
                reason: "Kyuubi could not kill the application: "
                    + Redaction.redacting(String(sentence.prefix(longestSentence))))
        }
        if text.utf8Contains("refId=\(session) is deleted") {
            return .unproven(
                reason: "Kyuubi took the application off its list and did not say that it killed "
                    + "it, which needs Kyuubi 1.10 or newer")
        }
        return .unproven(
            reason: "Kyuubi lists no application of the session, which may run all the same")
    }

    /// How much of Kyuubi's words is repeated.
    private static let longestSentence = 200

    /// How many engines: `GET /api/v1/admin/engine`.
    static func engineCount(_ body: [UInt8]) throws(SparkApplicationsError) -> Int {
        try elements(body, of: "engines").count
    }

    /// Whether a text can stand in a path as it is.
    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 256
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                    || (0x61...0x7A).contains(byte) || byte == 0x2D || byte == 0x5F
            }
    }

    private static func elements(
        _ body: [UInt8], of what: String
    ) throws(SparkApplicationsError) -> [JSONObject] {
        let value: JSONValue
        do throws(JSONSyntaxError) {
            value = try JSONValue(parsing: body)
        } catch {
            throw .refused(reason: "the list of \(what) is not JSON: \(error)")
        }
        guard let array = value.arrayValue else {
            throw .refused(reason: "the list of \(what) is \(value.kindName), not an array")
        }
        return array.compactMap(\.objectValue)
    }
}
