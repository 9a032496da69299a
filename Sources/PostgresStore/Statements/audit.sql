-- SPDX-License-Identifier: Apache-2.0
-- $1 actor, $2 event, $3 job, $4 details.
INSERT INTO audit_log (actor, event, job_id, details) VALUES ($1, $2, $3, $4::jsonb)
