-- Who a subject is. Deleting the row makes all facts of a user nobody's.
CREATE TABLE analytics_subject (
    user_id text PRIMARY KEY,
    subject uuid NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- The bucket of 15 minutes in which a moment lies. Hours of UTC would not add up to days of India.
CREATE FUNCTION analytics_bucket(at timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN date_bin('15 minutes', at, 'epoch'::timestamp AT TIME ZONE 'UTC');

-- The least id of a time, with which statements by time leave out partitions.
CREATE FUNCTION analytics_least_id(at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN rpad(lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0'), 32, '0')::uuid;

-- The key of a register in its table: of each key and user there is one, and keys name no user.
CREATE FUNCTION analytics_register_key(key text, subject uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN subject IS NULL THEN key ELSE key || ':' || subject::text END;

-- Every fact and client event, once by its id, a UUIDv7. Partitions are ranges of ids, which are ranges of time.
-- Columns of a fixed length come first: that saves the space between them.
CREATE TABLE analytics_event (
    id uuid NOT NULL,
    -- The order in which they were stored; one writer at a time gives it out, so no lower one appears later.
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    value bigint NOT NULL DEFAULT 0,
    subject uuid,
    -- Sent by a client: never part of a headline, and deleted when consent is withdrawn.
    client boolean NOT NULL DEFAULT false,
    name text NOT NULL,
    program_id text NOT NULL DEFAULT '',
    session_id text NOT NULL DEFAULT '',
    key text NOT NULL DEFAULT '',
    label text NOT NULL DEFAULT '',
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
-- A few late events do not widen the ranges of this one.
CREATE INDEX analytics_event_at ON analytics_event
    USING brin (at timestamptz_minmax_multi_ops) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX analytics_event_seq ON analytics_event USING brin (seq) WITH (pages_per_range = 32, autosummarize = on);
-- For the removal of what a user's client sent.
CREATE INDEX analytics_event_client ON analytics_event (subject) WHERE client AND subject IS NOT NULL;

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
    -- All facts that were published before are stored.
    as_of timestamptz NOT NULL DEFAULT to_timestamp(0),
    -- All client events that arrived before are stored.
    client_as_of timestamptz NOT NULL DEFAULT to_timestamp(0),
    -- Events of before are no longer kept, and not taken: nothing would tell whether they were counted.
    dropped_until timestamptz NOT NULL DEFAULT to_timestamp(0)
);
INSERT INTO analytics_progress DEFAULT VALUES;
