-- A conversation of two, or of a small group; its messages are in the log of its room, `direct:<id>`.
CREATE TABLE chat_direct (
    id text PRIMARY KEY,
    -- The ids of the two, in order, with a space between them; null for a group.
    pair text UNIQUE,
    title text NOT NULL DEFAULT '',
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    rev bigint NOT NULL DEFAULT 1
);
CREATE INDEX chat_direct_newest ON chat_direct (created_at, id);
CREATE INDEX chat_direct_opened ON chat_direct (created_by, created_at);

-- Those who are in it now. Who leaves has no row.
CREATE TABLE chat_direct_member (
    direct_id text NOT NULL REFERENCES chat_direct (id) ON DELETE CASCADE,
    user_id text NOT NULL,
    joined_at timestamptz NOT NULL,
    -- What was written before is not for them.
    seen_from timestamptz NOT NULL,
    PRIMARY KEY (direct_id, user_id)
);
CREATE INDEX chat_direct_member_user ON chat_direct_member (user_id);

-- Who wants nothing of whom. A block that was lifted stays, for its revision.
CREATE TABLE chat_block (
    user_id text NOT NULL,
    blocked_id text NOT NULL,
    blocked boolean NOT NULL,
    at timestamptz NOT NULL,
    rev bigint NOT NULL,
    PRIMARY KEY (user_id, blocked_id)
);
CREATE INDEX chat_block_of ON chat_block (blocked_id);
