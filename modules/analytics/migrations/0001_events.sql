-- Who a subject is. Deleting the row makes all facts of a user nobody's.
CREATE TABLE analytics_subject (
    user_id text PRIMARY KEY,
    subject uuid NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Every fact and client event, once by its id, a UUIDv7. Partitions are ranges of ids, which are ranges of time.
CREATE TABLE analytics_event (
    id uuid NOT NULL,
    -- The order in which they were stored; one writer at a time gives it out, so no lower one appears later.
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    name text NOT NULL,
    subject uuid,
    program_id text NOT NULL DEFAULT '',
    session_id text NOT NULL DEFAULT '',
    key text NOT NULL DEFAULT '',
    label text NOT NULL DEFAULT '',
    value bigint NOT NULL DEFAULT 0,
    -- Sent by a client: never part of a headline, and deleted when consent is withdrawn.
    client boolean NOT NULL DEFAULT false,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX analytics_event_at ON analytics_event USING brin (at);
CREATE INDEX analytics_event_seq ON analytics_event USING brin (seq);

-- Counts and sums by 15 minutes.
CREATE TABLE analytics_rollup (
    bucket timestamptz NOT NULL,
    name text NOT NULL,
    program_id text NOT NULL,
    session_id text NOT NULL,
    label text NOT NULL,
    count bigint NOT NULL,
    value bigint NOT NULL,
    PRIMARY KEY (name, bucket, program_id, session_id, label)
) WITH (fillfactor = 70);
CREATE INDEX analytics_rollup_program ON analytics_rollup (program_id, name, bucket);

-- The latest fact of each key and user, of those names that are registers; `key` ends with the subject, if there is one.
CREATE TABLE analytics_register (
    name text NOT NULL,
    key text NOT NULL,
    at timestamptz NOT NULL,
    id uuid NOT NULL,
    subject uuid,
    program_id text NOT NULL,
    session_id text NOT NULL,
    label text NOT NULL,
    value bigint NOT NULL,
    PRIMARY KEY (name, key)
) WITH (fillfactor = 70);
CREATE INDEX analytics_register_program ON analytics_register (program_id, name, at);
CREATE INDEX analytics_register_subject ON analytics_register (subject, name, at) WHERE subject IS NOT NULL;

-- Who learned on which day of the platform's zone in which program.
CREATE TABLE analytics_learner_day (
    day date NOT NULL,
    program_id text NOT NULL,
    subject uuid NOT NULL,
    PRIMARY KEY (program_id, day, subject)
);
CREATE INDEX analytics_learner_day_day ON analytics_learner_day (day, subject);

-- How far storing has come: one row.
CREATE TABLE analytics_progress (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seq bigint NOT NULL DEFAULT 0,
    -- All that was published or sent before is stored.
    as_of timestamptz NOT NULL DEFAULT to_timestamp(0)
);
INSERT INTO analytics_progress DEFAULT VALUES;
