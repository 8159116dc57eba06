-- Sessions that were planned together, by a rule of RFC 5545.
CREATE TABLE live_series (
    id text PRIMARY KEY,
    program_id text NOT NULL,
    mentor_id text NOT NULL,
    title text NOT NULL,
    rule text NOT NULL,
    timezone text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL
);

-- A user's calendar feed is known by a secret; only its hash is kept.
CREATE TABLE live_calendar (
    user_id text PRIMARY KEY,
    secret_hash text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL
);
