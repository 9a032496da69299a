-- SPDX-License-Identifier: Apache-2.0
-- Which table has a name, and since when that is known; NULL for as long as anybody knows.

CREATE TABLE table_identities (
    database_name TEXT COLLATE "C" NOT NULL,
    table_name TEXT COLLATE "C" NOT NULL,
    table_uuid TEXT COLLATE "C" NOT NULL,
    since TIMESTAMPTZ,
    PRIMARY KEY (database_name, table_name)
);
