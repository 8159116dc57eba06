-- What a transaction wants to tell others: it commits with the rows it is about, and a relay sends it afterwards.
CREATE TABLE outbox (
    -- The order of sending. Given out before the commit, so a lower one may become visible later.
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- What deduplicates it everywhere; not the seq, which another database would give out again.
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    kind text NOT NULL CHECK (kind IN ('event', 'push', 'timer')),
    -- The event's name, the room, or <timer>.<key>.
    destination text NOT NULL,
    -- json, not jsonb: the text is sent as it is.
    body json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    sent_at timestamptz
);
CREATE INDEX outbox_unsent ON outbox (seq) WHERE sent_at IS NULL;
CREATE INDEX outbox_sent ON outbox (sent_at) WHERE sent_at IS NOT NULL;

CREATE FUNCTION outbox_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('ksmp_outbox', '');
    RETURN NULL;
END $$;
CREATE TRIGGER outbox_notify AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION outbox_notify();

-- Which listener has handled which event; written in the handler's transaction.
CREATE TABLE inbox (
    listener text NOT NULL,
    event text NOT NULL,
    handled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (listener, event)
);
CREATE INDEX inbox_handled ON inbox (handled_at);

-- About when a listener was first started: older events are not for it.
CREATE TABLE event_listener (
    name text PRIMARY KEY,
    since timestamptz NOT NULL
);

-- The timers that are set. NATS wakes them; that they are due, and only once, is decided here.
CREATE TABLE timer (
    name text NOT NULL,
    key text NOT NULL,
    -- Another one each time it is set, so that what fires late is told apart.
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    at timestamptz NOT NULL,
    payload json NOT NULL,
    -- When NATS was told once more, because it had not woken the timer in time.
    resent_at timestamptz,
    PRIMARY KEY (name, key)
);
CREATE INDEX timer_overdue ON timer (at) WHERE resent_at IS NULL;

-- The lives of the streams that this database has filled; another one is filled again.
CREATE TABLE event_stream (
    name text PRIMARY KEY,
    epoch text NOT NULL
);
