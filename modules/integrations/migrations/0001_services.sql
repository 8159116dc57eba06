CREATE TABLE integrations_service (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    disabled boolean NOT NULL DEFAULT false,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    rev bigint NOT NULL
);
CREATE INDEX integrations_service_created_by ON integrations_service (created_by);

CREATE TABLE integrations_key (
    -- The part of the key between its underscores; not secret.
    id text PRIMARY KEY,
    service_id uuid NOT NULL REFERENCES integrations_service,
    -- SHA-256 of the whole key, whose secret has 256 random bits.
    hash bytea NOT NULL CHECK (length(hash) = 32),
    scopes text[] NOT NULL,
    -- <kind>:<id> or <kind>:*
    rooms text[] NOT NULL,
    replaces text REFERENCES integrations_key,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    -- To the minute.
    last_used_at timestamptz
);
CREATE INDEX integrations_key_service ON integrations_key (service_id, created_at, id);
CREATE INDEX integrations_key_created_by ON integrations_key (created_by);
