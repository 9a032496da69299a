// SPDX-License-Identifier: Apache-2.0

/// Every bound that the API keeps, so that no client can take more than its share.
public struct APILimits: Hashable, Sendable {
    /// The most bytes a request body may have; more is answered with 413.
    public var maximumBodyBytes = 1_048_576
    /// The most bytes all header fields of a request may have together; more is answered with 431.
    public var maximumHeaderBytes = 32_768
    /// The most header fields a request may have.
    public var maximumHeaderCount = 128
    /// The most connections that are open at once.
    ///
    /// Further ones wait in the kernel's queue until one closes. Lowered at start to what the
    /// process may open.
    public var maximumConnections = 10_000
    /// How long a connection may be without a whole request head before it is closed.
    public var idleLimit = Duration.seconds(60)
    /// How long a request may take from its head to the end of its body.
    public var requestReadLimit = Duration.seconds(30)
    /// How long a client may leave a response unread before it is disconnected.
    public var writeStallLimit = Duration.seconds(30)
    /// How long a connection that the server ends goes on reading, so that the client sees the
    /// response before the connection is reset.
    public var lingerLimit = Duration.seconds(2)
    /// How long requests in flight may take once the server is told to stop.
    public var shutdownLimit = Duration.seconds(20)
    /// The most event streams that are open at once.
    public var maximumEventStreams = 256
    /// How often a silent event stream sends a comment.
    public var eventHeartbeat = Duration.seconds(15)
    /// How often an event stream looks at its job when no signal comes.
    public var eventPoll = Duration.seconds(2)
    /// The most plans that are computed at once.
    public var maximumPlans = 8
    /// How long a dry run waits for its plans.
    public var dryRunPlanLimit = Duration.seconds(2)
    /// How long a request for a plan waits.
    public var planLimit = Duration.seconds(60)
    /// How many tables are looked at at once.
    public var maximumInspections = 16
    /// How long the look at a table may take.
    public var inspectionLimit = Duration.seconds(60)
    /// How long the store may take to answer when readiness is asked for.
    public var storePingLimit = Duration.seconds(2)

    /// The limits that the documentation states.
    public init() {}
}
