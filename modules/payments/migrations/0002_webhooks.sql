-- What the vendor has sent, as it came. The id makes a repeat harmless.
CREATE TABLE payments_webhook (
    id text PRIMARY KEY,
    event text NOT NULL,
    body bytea NOT NULL,
    state text NOT NULL DEFAULT 'received' CHECK (state IN ('received', 'handled', 'ignored')),
    sent_at timestamptz,
    received_at timestamptz NOT NULL,
    handled_at timestamptz
);
CREATE INDEX payments_webhook_received ON payments_webhook (received_at);

-- Where our rows and the vendor do not agree. An operator resolves it.
CREATE TABLE payments_difference (
    id text PRIMARY KEY,
    kind text NOT NULL,
    -- What it is about: the same difference is noted once while it is open.
    subject text NOT NULL,
    detail text NOT NULL,
    ours text NOT NULL DEFAULT '',
    theirs text NOT NULL DEFAULT '',
    order_id text,
    found_at timestamptz NOT NULL,
    resolved_at timestamptz,
    resolved_by text,
    note text NOT NULL DEFAULT '',
    rev bigint NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX payments_difference_open ON payments_difference (kind, subject) WHERE resolved_at IS NULL;
