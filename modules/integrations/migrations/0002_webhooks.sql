-- An endpoint is never deleted: a transaction that writes deliveries must not wait for that, or fail by it.
CREATE TABLE integrations_endpoint (
    id uuid PRIMARY KEY,
    service_id uuid NOT NULL REFERENCES integrations_service,
    url text NOT NULL,
    -- Names of events; none stands for all that a service may have.
    events text[] NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    -- failing or gone, for one that was disabled by itself
    reason text NOT NULL DEFAULT '',
    secret text NOT NULL,
    former_secret text NOT NULL DEFAULT '',
    former_until timestamptz NOT NULL DEFAULT '-infinity',
    -- Failed tries since the last success, and since when.
    failures integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    -- Nothing is sent before.
    held_until timestamptz NOT NULL DEFAULT '-infinity',
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz,
    rev bigint NOT NULL
);
CREATE INDEX integrations_endpoint_service ON integrations_endpoint (service_id, id) WHERE deleted_at IS NULL;
CREATE INDEX integrations_endpoint_created_by ON integrations_endpoint (created_by);

CREATE TABLE integrations_event (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    -- What is signed and sent, byte by byte.
    body text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX integrations_event_at ON integrations_event (at);

CREATE TABLE integrations_delivery (
    -- The order of one subject.
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    event_id uuid NOT NULL REFERENCES integrations_event ON DELETE CASCADE,
    endpoint_id uuid NOT NULL REFERENCES integrations_endpoint,
    event text NOT NULL,
    subject text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'failed')),
    due_at timestamptz NOT NULL,
    -- Of the gateway that sends it; `due_at` is then when the claim lapses.
    claim uuid,
    attempts integer NOT NULL DEFAULT 0,
    -- The status and the fault of the last try.
    status integer,
    fault text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    UNIQUE (event_id, endpoint_id)
);
CREATE INDEX integrations_delivery_waiting ON integrations_delivery (endpoint_id, id) WHERE state = 'waiting';
CREATE INDEX integrations_delivery_order ON integrations_delivery (endpoint_id, subject, id) WHERE state = 'waiting';
CREATE INDEX integrations_delivery_newest ON integrations_delivery (endpoint_id, id);
