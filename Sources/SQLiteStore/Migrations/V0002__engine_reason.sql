-- SPDX-License-Identifier: Apache-2.0
-- Why each action ran on its engine, as jobs.engine_reason says it of the whole job.

ALTER TABLE job_actions ADD COLUMN engine_reason TEXT;
