-- A message that an admin sends to an audience.
CREATE TABLE notify_campaign (
    id uuid PRIMARY KEY,
    title text NOT NULL,
    body text NOT NULL,
    link text NOT NULL,
    urgent boolean NOT NULL,
    audience text NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'stopped')),
    -- When it is told.
    at timestamptz NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    notice_id uuid NOT NULL,
    -- When somebody counts again what became of it.
    counted_next_at timestamptz NOT NULL,
    rev bigint NOT NULL DEFAULT 1
);
CREATE INDEX notify_campaign_newest ON notify_campaign (created_at, id);
CREATE INDEX notify_campaign_open ON notify_campaign (counted_next_at) WHERE state IN ('waiting', 'running');
CREATE INDEX notify_campaign_author ON notify_campaign (created_by);
