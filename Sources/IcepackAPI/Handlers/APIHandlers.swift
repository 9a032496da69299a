// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Jobs
import Logging

/// What every handler works with; each endpoint is a method in a file of its own subject.
struct APIHandlers<Store: JobStore>: Sendable {
    let configuration: APIConfiguration<Store>
    let streams: SlotLimiter
    let plans: SlotLimiter
    let inspections: SlotLimiter

    init(_ configuration: APIConfiguration<Store>) {
        self.configuration = configuration
        streams = SlotLimiter(limit: configuration.limits.maximumEventStreams)
        plans = SlotLimiter(limit: configuration.limits.maximumPlans)
        inspections = SlotLimiter(limit: configuration.limits.maximumInspections)
    }

    var store: Store { configuration.store }
    var limits: APILimits { configuration.limits }

    /// Every method at every path; the OpenAPI document lists the same.
    var table: RouteTable {
        RouteTable([
            .post("/tables/{database}/{table}/maintenance", submit),
            .post("/tables/{database}/{table}/maintenance/plan", plan),
            .get("/tables/{database}/{table}/maintenance/recommendation", recommendation),
            .get("/tables/{database}/{table}/status", tableStatus),
            .get("/tables/{database}/{table}/status/cached", cachedStatus),
            .get("/tables/{database}/{table}/health", tableHealth),
            .get("/tables/{database}/{table}/health/cached", cachedHealth),
            .get("/jobs", listJobs),
            .get("/jobs/history", listHistory),
            .delete("/jobs/history", purgeHistory),
            .get("/jobs/history/health", healthHistory),
            .get("/jobs/{job_id}", readJob),
            .delete("/jobs/{job_id}", deleteJob),
            .post("/jobs/{job_id}/cancel", cancelJob),
            .get("/jobs/{job_id}/events", followJob),
            .get("/tables", listTables),
            .get("/tables/cache-status", cacheStatus),
            .get("/tables/{database}/{table}/quarantine", listQuarantine),
            .post("/tables/{database}/{table}/quarantine/restore", restoreQuarantine),
            .post("/tables/{database}/{table}/quarantine/purge", purgeQuarantine),
            .post("/orchestrator/runs", recordRun),
            .get("/orchestrator/runs", listRuns),
            .get("/orchestrator/runs/{run_id}", readRun),
            .get("/healthz", health),
            .get("/readyz", readiness),
            .get("/openapi.json", openAPI),
        ])
    }

    /// Adds a line to the audit log.
    ///
    /// What it records has happened, so a failure is only logged.
    func audit(_ event: AuditEvent, logger: Logger) async {
        do throws(JobStoreError) {
            try await store.audit(event)
        } catch {
            logger.warning(
                "audit log not written",
                metadata: ["event": "\(event.event)", "reason": "\(error)"])
        }
    }
}

/// Who acts, in the audit log, for requests over HTTP: clients do not say who they are.
let apiActor = "api"
