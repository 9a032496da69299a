-- SPDX-License-Identifier: Apache-2.0
-- $1 job.
UPDATE jobs SET deleted_at = now()
WHERE job_id = $1 AND deleted_at IS NULL AND status IN ('completed', 'failed', 'cancelled')
