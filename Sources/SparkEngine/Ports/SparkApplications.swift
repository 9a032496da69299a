// SPDX-License-Identifier: Apache-2.0

package import IcebergCatalog
package import Maintenance

/// Spark's applications seen from outside: what runs in them, and how it is stopped.
///
/// Iceberg's procedures run in job groups of their own, which a cancelled statement does not stop;
/// this does.
public protocol SparkApplications: Sendable {
    /// Whether what runs can be seen (Spark's own interface is configured).
    var canWatch: Bool { get }

    /// Whether a session's application can be ended (Kyuubi's administration is configured).
    var canEnd: Bool { get }

    /// What runs in the applications now.
    func activity() async throws(SparkApplicationsError) -> SparkActivity

    /// Ends one Spark job; nothing happens if it has ended.
    func kill(_ job: SparkJob) async throws(SparkApplicationsError)

    /// What the threads of an application's driver do now.
    ///
    /// - Throws: ``SparkApplicationsError/refused(reason:)`` where Spark does not show them.
    func driverThreads(
        of application: String
    ) async throws(SparkApplicationsError) -> [SparkThread]

    /// Ends the application of a session, by the session's name.
    func endApplication(
        ofSession name: String
    ) async throws(SparkApplicationsError) -> SparkApplicationEnd

    /// Whether the application of a session is still listed.
    ///
    /// That it is not says little: an application leaves the list before it has ended.
    func hasApplication(ofSession name: String) async throws(SparkApplicationsError) -> Bool
}

/// What became of the wish to end an application.
public enum SparkApplicationEnd: Hashable, Sendable {
    /// Its cluster took the order to kill it.
    case killed
    /// Nothing says that it was killed.
    case unproven(reason: String)
}

/// A thread of a driver.
public struct SparkThread: Hashable, Sendable {
    /// Its name.
    public let name: String
    /// What it is doing: the innermost call first.
    public let frames: [String]

    /// Takes every field.
    public init(name: String, frames: [String]) {
        self.name = name
        self.frames = frames
    }
}

/// Why Spark's applications could not be seen or stopped.
public enum SparkApplicationsError: Error, Hashable, Sendable {
    /// A passing fault: no connection, no answer in time.
    case unavailable(reason: String)
    /// The answer is no, or is not understood.
    case refused(reason: String)

    /// A sentence for a person.
    public var reason: String {
        switch self {
        case .unavailable(let reason), .refused(let reason): reason
        }
    }
}

/// What runs in Spark's applications.
public struct SparkActivity: Hashable, Sendable {
    /// The applications' ids.
    public let applications: [String]
    /// Statements, running or not, as far as Spark remembers them.
    public let statements: [SparkStatement]
    /// The jobs that run.
    public let jobs: [SparkJob]

    /// Takes every field.
    public init(applications: [String], statements: [SparkStatement], jobs: [SparkJob]) {
        self.applications = applications
        self.statements = statements
        self.jobs = jobs
    }
}

/// A statement as Spark's interface shows it.
public struct SparkStatement: Hashable, Sendable {
    /// Its application.
    public let application: String
    /// Its text, comments included.
    public let description: String
    /// Whether it runs.
    public let isRunning: Bool
    /// The running jobs that it started under its own name.
    public let runningJobs: [Int64]

    /// Takes every field.
    public init(application: String, description: String, isRunning: Bool, runningJobs: [Int64]) {
        self.application = application
        self.description = description
        self.isRunning = isRunning
        self.runningJobs = runningJobs
    }
}

/// A running job as Spark's interface shows it.
public struct SparkJob: Hashable, Sendable {
    /// Its application.
    public let application: String
    /// Its number in the application.
    public let id: Int64
    /// The group it belongs to; Iceberg's actions have groups of their own.
    public let group: String?
    /// What it does; Iceberg's actions name the table.
    public let description: String?
    /// Tasks that are done.
    public let tasksDone: Int64
    /// Tasks in all.
    public let tasks: Int64

    /// Takes every field.
    public init(
        application: String, id: Int64, group: String?, description: String?, tasksDone: Int64,
        tasks: Int64
    ) {
        self.application = application
        self.id = id
        self.group = group
        self.description = description
        self.tasksDone = tasksDone
        self.tasks = tasks
    }
}

/// What of the applications' activity is one statement's.
package struct OwnActivity: Hashable, Sendable {
    /// Whether the statement itself runs; nil if Spark does not know it (any more).
    package let isRunning: Bool?
    /// Its running jobs.
    package let jobs: [SparkJob]
    /// The application that shows the statement; nil if none does.
    package let application: String?
    /// Whether one of its jobs is of the action itself.
    package let isAtWork: Bool
    /// How many groups of jobs of rewrites of files run for others, by their application.
    ///
    /// Only theirs have threads of their own that wait for Spark.
    package let foreignGroups: [String: Int]

    /// Finds what belongs to a statement on a table of a catalog.
    ///
    /// Iceberg replaces the group and the description of its jobs, so those below the statement
    /// are found by the group that the action has and the table that the description ends with.
    /// Jobs of somebody else who calls the same procedure for the same table at the same time
    /// are taken for ours; the table's lock is there to keep them away. The jobs of a later
    /// attempt are not: it began only when it had seen ours gone.
    package init(
        in activity: SparkActivity, of mark: StatementMark, action: MaintenanceAction,
        catalog: String, table: TableIdentifier
    ) {
        let statements = activity.statements.filter { mark.identifies($0.description) }
        isRunning = statements.isEmpty ? nil : statements.contains(where: \.isRunning)
        application = statements.first?.application
        let isSucceeded =
            isRunning != true
            && activity.statements.contains { $0.isRunning && mark.isSucceeded(by: $0.description) }
        let ending = " \(catalog).\(table)"
        let own = activity.jobs.filter { job in
            if let description = job.description {
                if mark.identifies(description) { return true }
                let isOfAction = job.group.map { Self.isGroup($0, of: action) } ?? false
                if isOfAction, !isSucceeded, description.hasSuffix(ending) { return true }
            }
            return statements.contains {
                $0.application == job.application && $0.runningJobs.contains(job.id)
            }
        }
        jobs = own
        isAtWork = own.contains { $0.group.map { Self.isGroup($0, of: action) } ?? false }
        var foreign: [String: Set<String>] = [:]
        for job in activity.jobs where !own.contains(job) {
            // What works on this table may be ours, even where it was not taken for it.
            let isOfTable = job.description?.hasSuffix(ending) ?? false
            if let group = job.group, Self.isGroupOfFileRewrite(group), !isOfTable {
                foreign[job.application, default: []].insert(group)
            }
        }
        foreignGroups = foreign.mapValues(\.count)
    }

    /// Whether nothing of the statement runs as far as can be seen.
    package var isQuiet: Bool { isRunning != true && jobs.isEmpty }

    private static func isGroupOfFileRewrite(_ group: String) -> Bool {
        isGroup(group, of: .rewriteDataFiles) || isGroup(group, of: .rewritePositionDeleteFiles)
    }

    private static func isGroup(_ group: String, of action: MaintenanceAction) -> Bool {
        let name =
            switch action {
            case .expireSnapshots: "EXPIRE-SNAPSHOTS-"
            case .removeOrphanFiles: "DELETE-ORPHAN-FILES-"
            case .rewriteDataFiles: "REWRITE-DATA-FILES-"
            case .rewritePositionDeleteFiles: "REWRITE-POSITION-DELETES-"
            case .rewriteManifests: "REWRITE-MANIFESTS-"
            }
        return group.hasPrefix(name)
            && group.utf8.dropFirst(name.utf8.count).allSatisfy { (0x30...0x39).contains($0) }
    }
}
