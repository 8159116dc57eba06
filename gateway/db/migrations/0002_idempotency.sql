-- The first answer to each Idempotency-Key. status is null while the first request is being served.
CREATE TABLE idempotency_key (
    principal text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    -- Which try holds the key: one that was given up for dead must not answer for its successor.
    claim uuid NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    status smallint,
    headers json,
    body bytea,
    PRIMARY KEY (principal, key)
);
CREATE INDEX idempotency_key_started_at ON idempotency_key (started_at);
