-- The chat of a session; without a row all is as at first. Settings and pins are two entities, each with a revision.
CREATE TABLE chat_room (
    session_id text PRIMARY KEY,
    mode text NOT NULL DEFAULT 'open' CHECK (mode IN ('open', 'subscribers', 'questions')),
    slow_seconds integer NOT NULL DEFAULT 0 CHECK (slow_seconds >= 0),
    links text NOT NULL DEFAULT 'allow' CHECK (links IN ('allow', 'hosts', 'block')),
    rev bigint NOT NULL DEFAULT 0,
    -- [{seq, by, at}], in the order they were pinned.
    pins json NOT NULL DEFAULT '[]',
    pins_rev bigint NOT NULL DEFAULT 0
);

-- Who has to wait in slow mode; the kernel's restriction keeps them, this finds them when slow mode ends.
CREATE TABLE chat_wait (
    session_id text NOT NULL,
    user_id text NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (session_id, user_id)
);

-- The last mute of a user in a session; until is null for one without an end.
CREATE TABLE chat_mute (
    session_id text NOT NULL,
    user_id text NOT NULL,
    muted boolean NOT NULL,
    until timestamptz,
    reason text NOT NULL,
    by text NOT NULL,
    at timestamptz NOT NULL,
    rev bigint NOT NULL,
    PRIMARY KEY (session_id, user_id)
);

CREATE TABLE chat_reaction (
    session_id text NOT NULL,
    seq bigint NOT NULL,
    emoji text NOT NULL,
    user_id text NOT NULL,
    PRIMARY KEY (session_id, seq, emoji, user_id)
);
CREATE INDEX chat_reaction_user ON chat_reaction (user_id);

-- The reactions of a message, counted.
CREATE TABLE chat_tally (
    session_id text NOT NULL,
    seq bigint NOT NULL,
    counts json NOT NULL DEFAULT '{}',
    rev bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (session_id, seq)
);

-- When a room was last told its tallies, by whichever node.
CREATE TABLE chat_tally_told (
    session_id text PRIMARY KEY,
    at timestamptz NOT NULL
);

CREATE TABLE chat_report (
    id uuid PRIMARY KEY,
    session_id text NOT NULL,
    seq bigint NOT NULL,
    author_id text NOT NULL,
    -- As it was: what is reported may be edited or deleted afterwards.
    text text NOT NULL,
    reason text NOT NULL,
    reporter_id text NOT NULL,
    status text NOT NULL CHECK (status IN ('open', 'upheld', 'dismissed')),
    note text NOT NULL DEFAULT '',
    resolved_by text,
    resolved_at timestamptz,
    created_at timestamptz NOT NULL,
    rev bigint NOT NULL,
    UNIQUE (session_id, seq, reporter_id)
);
CREATE INDEX chat_report_newest ON chat_report (created_at, id);
CREATE INDEX chat_report_session ON chat_report (session_id, created_at, id);
