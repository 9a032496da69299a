-- SPDX-License-Identifier: Apache-2.0
-- Which table has a name, and since when that is known; NULL for as long as anybody knows.

CREATE TABLE table_identities (
    database_name TEXT NOT NULL,
    table_name TEXT NOT NULL,
    table_uuid TEXT NOT NULL,
    since INTEGER,
    PRIMARY KEY (database_name, table_name)
) STRICT;
