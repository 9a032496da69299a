-- SPDX-License-Identifier: Apache-2.0
-- Which metadata file a look at a table read, and the orders that history and purges read in.

ALTER TABLE table_status_snapshots ADD COLUMN metadata_location TEXT;
ALTER TABLE table_health_snapshots ADD COLUMN metadata_location TEXT;

CREATE INDEX table_status_snapshots_by_time ON table_status_snapshots (collected_at);
CREATE INDEX table_health_snapshots_by_time ON table_health_snapshots (collected_at DESC, id DESC);
