-- SPDX-License-Identifier: Apache-2.0
-- Without the fence: it only ever forbids removals, and a job that was cancelled while its commit
-- was under way has lost its fence when it learns that nobody knows the outcome. $1 job.
UPDATE file_journal SET state = 'unknown' WHERE job_id = $1 AND state = 'planned'
