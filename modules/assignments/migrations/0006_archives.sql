-- Who is downloading an archive now. Its process says so again and again, so that a killed one holds nobody up.
CREATE TABLE assignments_archive (
    user_id text PRIMARY KEY,
    claim uuid NOT NULL,
    held_until timestamptz NOT NULL
);
