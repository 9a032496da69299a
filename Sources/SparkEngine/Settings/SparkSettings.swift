// SPDX-License-Identifier: Apache-2.0

/// How the engine uses Spark.
public struct SparkSettings: Hashable, Sendable {
    /// Who shares the Spark application that runs a job's statements.
    public enum Sharing: Hashable, Sendable {
        /// Kyuubi starts one for each session and ends it with the session
        /// (`kyuubi.engine.share.level=CONNECTION`).
        case perJob
        /// Others use it too: a Spark Thrift Server, or Kyuubi with another share level.
        case shared
    }

    /// The catalog's name in Spark.
    public var catalog: String
    /// Who shares the application.
    ///
    /// ``Sharing/perJob`` must be true if it is said: to stop a job the engine then ends the
    /// application, and all that runs in it.
    public var sharing: Sharing
    /// The version of Iceberg in Spark.
    public var iceberg: IcebergVersion
    /// How locations are written for Spark.
    public var locations: LocationMapping
    /// How long a statement may take before it is stopped.
    public var operationLimit: Duration
    /// Settings of every session, over those of ``SessionConfiguration``.
    public var session: [String: String]
    /// How a run is watched and stopped.
    public var pace: SparkPace

    /// Where nobody says anything.
    public static let defaultOperationLimit = Duration.seconds(7200)

    /// Takes every field; only the catalog's name must be said.
    public init(
        catalog: String, sharing: Sharing = .shared, iceberg: IcebergVersion = .assumed,
        locations: LocationMapping = .standard, operationLimit: Duration = defaultOperationLimit,
        session: [String: String] = [:], pace: SparkPace = SparkPace()
    ) {
        self.catalog = catalog
        self.sharing = sharing
        self.iceberg = iceberg
        self.locations = locations
        self.operationLimit = operationLimit
        self.session = session
        self.pace = pace
    }
}

/// How often a run is looked at, and how long things are waited for.
public struct SparkPace: Hashable, Sendable {
    /// The pause after the first look at a statement; it doubles up to ``longestPoll``.
    public var firstPoll = Duration.milliseconds(100)
    /// The longest pause between two looks.
    public var longestPoll = Duration.seconds(2)
    /// The pause between two looks at Spark's own interface for progress.
    public var progressPause = Duration.seconds(5)
    /// How long a server may be out of reach before the run gives up.
    public var patience = Duration.seconds(120)
    /// How long after its limit a statement gets to be stopped by the server itself.
    public var limitGrace = Duration.seconds(15)
    /// How long opening a session's application may take: clusters start them slowly.
    public var launchLimit = Duration.seconds(600)
    /// How long stopping may take in all, where it can be seen; a worker gives a stopping engine
    /// 60 s.
    public var stopLimit = Duration.seconds(55)
    /// How long it may take where only a long silence tells: the worker has gone on by then, and
    /// the table is locked until the end.
    public var longestStop = Duration.seconds(120)
    /// The most that one call to the server may take of that.
    public var stopCallLimit = Duration.seconds(10)
    /// The most of it that naming the files left behind may take.
    public var listLimit = Duration.seconds(20)
    /// What listing them gets all the same when the stop took long.
    public var shortestListing = Duration.seconds(5)
    /// How long a server gets to say that a statement had ended before it was told to stop.
    public var glance = Duration.milliseconds(500)
    /// How long the reply to a farewell is waited for: a server that was told to close a session
    /// does so, and the Spark Thrift Server may take ten seconds over it.
    public var farewell = Duration.seconds(2)
    /// The pause between two looks whether everything has stopped.
    public var stopPoll = Duration.milliseconds(500)
    /// For how long nothing may be seen to run, nor the table change, before it counts as stopped.
    ///
    /// That is where the driver's threads are seen too, or the application has ended. Elsewhere it
    /// is as long as a commit may wait (``CommitWait``).
    public var settle = Duration.seconds(3)

    /// The times that fit a cluster.
    public init() {}
}
