-- SPDX-License-Identifier: Apache-2.0
-- Makes submissions with one key follow each other; the next statement's snapshot then shows the
-- first one's job. Ends with the transaction. $1 key.
SELECT pg_advisory_xact_lock(hashtextextended($1, 0))
