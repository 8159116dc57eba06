-- What a user chose about analytics. NULL: nothing, so far or any more.
CREATE TABLE analytics_consent (
    user_id text PRIMARY KEY,
    -- Whether client events are stored with the user's subject.
    analytics boolean,
    -- Whether events leave the platform.
    sinks boolean,
    -- Who the user is outside: another one with each consent, so that nobody joins what came before and after.
    outside uuid UNIQUE,
    outside_since timestamptz,
    changed_at timestamptz NOT NULL,
    rev bigint NOT NULL,
    CHECK ((outside IS NOT NULL) = (sinks IS TRUE) AND (outside IS NULL) = (outside_since IS NULL))
);

-- How far a sink has come.
CREATE TABLE analytics_sink (
    name text PRIMARY KEY,
    -- What is stored up to here has left, or may not.
    seq bigint NOT NULL DEFAULT 0,
    -- The end of the batch that is on its way: a retry has the same one.
    ahead bigint,
    sent bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    sent_at timestamptz,
    failures int NOT NULL DEFAULT 0,
    fault text NOT NULL DEFAULT '',
    -- Until then it is left alone after a failure.
    due_at timestamptz NOT NULL DEFAULT '-infinity',
    -- Until then it gets no batch, so that batches are not small.
    next_at timestamptz NOT NULL DEFAULT '-infinity',
    -- Who sends now, and until when nobody else does.
    holder uuid,
    held_until timestamptz NOT NULL DEFAULT '-infinity'
);

-- What a sink refused for good.
CREATE TABLE analytics_refused_event (
    sink text NOT NULL,
    event_id uuid NOT NULL,
    name text NOT NULL,
    reason text NOT NULL,
    refused_at timestamptz NOT NULL,
    PRIMARY KEY (sink, event_id)
);
CREATE INDEX analytics_refused_event_old ON analytics_refused_event (refused_at);

-- In which files of a warehouse the events of somebody are.
CREATE TABLE analytics_warehouse_file (
    sink text NOT NULL,
    outside uuid NOT NULL,
    path text NOT NULL,
    PRIMARY KEY (sink, outside, path)
);

-- What is to be deleted, and where. It names no user: a pseudonym is all that is left.
CREATE TABLE analytics_deletion (
    id uuid PRIMARY KEY,
    -- `events`, or the name of a sink.
    place text NOT NULL,
    pseudonym uuid NOT NULL,
    reason text NOT NULL,
    state text NOT NULL,
    -- The vendor's name of the deletion, once it was asked for.
    task text NOT NULL DEFAULT '',
    attempts int NOT NULL DEFAULT 0,
    fault text NOT NULL DEFAULT '',
    due_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX analytics_deletion_due ON analytics_deletion (place, due_at) WHERE state IN ('waiting', 'asked');
