-- A fact that people should hear of.
CREATE TABLE notify_notice (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    subject text NOT NULL,
    -- user:<id>, role:<role>, program:<id>, …; empty when `users` are told.
    audience text NOT NULL DEFAULT '',
    users text[] NOT NULL DEFAULT '{}',
    data jsonb NOT NULL,
    -- Who did it, and is not told.
    actor text NOT NULL DEFAULT '',
    campaign_id uuid,
    at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'expanding', 'expanded', 'withdrawing', 'withdrawn')),
    -- The last user who was written; users are read in the order of their ids.
    cursor text NOT NULL DEFAULT '',
    -- The time of the page that was written last. The app may not have been told of it.
    page_at timestamptz,
    -- Until then a worker has it.
    lease_until timestamptz,
    created_at timestamptz NOT NULL
);
-- The same kind and subject is told once, unless it was withdrawn: a class is moved away and back.
CREATE UNIQUE INDEX notify_notice_subject ON notify_notice (kind, subject)
    WHERE state NOT IN ('withdrawing', 'withdrawn');
CREATE INDEX notify_notice_due ON notify_notice (at) WHERE state IN ('waiting', 'expanding', 'withdrawing');
CREATE INDEX notify_notice_expired ON notify_notice (expires_at);
CREATE INDEX notify_notice_campaign ON notify_notice (campaign_id) WHERE campaign_id IS NOT NULL;

-- A notice for one user; what the list in the app shows.
CREATE TABLE notify_notification (
    id uuid PRIMARY KEY,
    notice_id uuid NOT NULL REFERENCES notify_notice (id) ON DELETE CASCADE,
    kind text NOT NULL,
    subject text NOT NULL,
    user_id text NOT NULL,
    -- Whether the list in the app shows it.
    in_app boolean NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    seen_at timestamptz,
    read_at timestamptz,
    -- When the user followed its link, from whichever channel.
    opened_at timestamptz,
    withdrawn_at timestamptz,
    rev bigint NOT NULL DEFAULT 1,
    UNIQUE (notice_id, user_id)
);
CREATE INDEX notify_notification_user ON notify_notification (user_id, id);

-- A notification on one channel.
CREATE TABLE notify_delivery (
    id uuid PRIMARY KEY,
    notification_id uuid NOT NULL REFERENCES notify_notification (id) ON DELETE CASCADE,
    notice_id uuid NOT NULL,
    kind text NOT NULL,
    user_id text NOT NULL,
    channel text NOT NULL,
    -- 0 goes first: high, normal, low, campaigns.
    priority smallint NOT NULL,
    state text NOT NULL CHECK (
        state IN ('waiting', 'sending', 'sent', 'delivered', 'opened', 'unknown', 'skipped', 'failed')
    ),
    -- A stable word: why it was skipped, failed or is tried again.
    reason text NOT NULL DEFAULT '',
    -- Infinity: nobody looks at it again.
    due_at timestamptz NOT NULL,
    -- How often a worker took it to send it, and how many of these tries count against it.
    attempts int NOT NULL DEFAULT 0,
    failures int NOT NULL DEFAULT 0,
    -- An earlier try may have arrived.
    doubtful boolean NOT NULL DEFAULT false,
    lease_until timestamptz,
    -- The vendor's name for the message.
    vendor_id text NOT NULL DEFAULT '',
    sent_at timestamptz,
    delivered_at timestamptz,
    opened_at timestamptz,
    UNIQUE (notification_id, channel)
);
CREATE INDEX notify_delivery_due ON notify_delivery (channel, priority, due_at) WHERE state IN ('waiting', 'unknown');
CREATE INDEX notify_delivery_leased ON notify_delivery (lease_until) WHERE state = 'sending';
CREATE INDEX notify_delivery_failed ON notify_delivery (id) WHERE state = 'failed';
CREATE INDEX notify_delivery_notice ON notify_delivery (notice_id, channel, state);
CREATE INDEX notify_delivery_user ON notify_delivery (user_id, channel, sent_at);

-- What a vendor lets through: tokens that all workers share.
CREATE TABLE notify_limit (
    name text PRIMARY KEY,
    tokens double precision NOT NULL,
    filled_at timestamptz NOT NULL,
    -- What the last worker was given.
    taken int NOT NULL,
    blocked_until timestamptz
);
