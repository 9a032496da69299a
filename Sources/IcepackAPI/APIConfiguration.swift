// SPDX-License-Identifier: Apache-2.0

public import Fleet
public import Jobs
public import Logging
public import Maintenance
public import WireFormat

/// What the API is told at start and what it works with.
public struct APIConfiguration<Store: JobStore>: Sendable {
    /// Computes what one action would do to a table now.
    ///
    /// It changes nothing and stops when cancelled.
    public typealias Planner =
        @Sendable (TableName, MaintenanceAction, ActionOptions) async throws(MaintenanceError) ->
        ActionPlan

    /// Makes a document about a table by looking at it now.
    ///
    /// It changes nothing and stops when cancelled.
    public typealias Inspector =
        @Sendable (TableName, TableDocument) async throws(InspectionError) -> JSONValue

    /// Where jobs and the table cache are.
    public var store: Store
    /// Computes plans for dry runs and plan requests.
    public var planner: Planner
    /// Looks at tables.
    public var inspector: Inspector
    /// Keeps what orphan removal moved away.
    public var quarantine: QuarantineAccess
    /// The engines that are configured.
    public var router: EngineRouter
    /// The order in which a job runs its actions.
    public var order: ActionOrder
    /// Which tables automatic maintenance looks after.
    public var enrolment: Enrolment
    /// Whether submissions are refused.
    public var isDraining: Bool
    /// How long a new job's table lock lasts unless it is renewed.
    public var lockLease: Duration
    /// How old the table cache may be before the service is not ready.
    public var tableCacheStaleness: Duration
    /// The age from which a kept look at a table is called stale; nil where none is too old.
    public var observationStaleness: Duration?
    /// The bounds.
    public var limits: APILimits
    /// What the service's own clock says.
    public var now: @Sendable () -> Timestamp
    /// Where it logs.
    public var logger: Logger

    /// Takes every field.
    public init(
        store: Store, planner: @escaping Planner, inspector: @escaping Inspector,
        quarantine: QuarantineAccess = .empty, router: EngineRouter,
        order: ActionOrder = .cleanupFirst, enrolment: Enrolment = Enrolment(),
        isDraining: Bool = false, lockLease: Duration = .seconds(1800),
        tableCacheStaleness: Duration = .seconds(600), observationStaleness: Duration? = nil,
        limits: APILimits = APILimits(), now: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.store = store
        self.planner = planner
        self.inspector = inspector
        self.quarantine = quarantine
        self.router = router
        self.order = order
        self.enrolment = enrolment
        self.isDraining = isDraining
        self.lockLease = lockLease
        self.tableCacheStaleness = tableCacheStaleness
        self.observationStaleness = observationStaleness
        self.limits = limits
        self.now = now
        self.logger = logger
    }
}
