-- SPDX-License-Identifier: Apache-2.0
SELECT COUNT(*) FROM job_queue WHERE claimed_at IS NULL AND visible_at <= NOW()
