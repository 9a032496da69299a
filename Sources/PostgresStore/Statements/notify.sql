-- SPDX-License-Identifier: Apache-2.0
-- After the change it tells of has been committed: a transaction that notifies holds a lock of the
-- whole server while it commits. $1 channels, $2 payloads.
SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) AS n (channel, payload)
