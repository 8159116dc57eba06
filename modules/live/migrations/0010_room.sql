-- Of each part of a session's room: how often it has changed. Its row is the lock under which the part changes, so that
-- the pushes of a part are numbered in the order of their commits.
CREATE TABLE live_part (
    session_id text NOT NULL,
    part text NOT NULL,
    rev bigint NOT NULL DEFAULT 0,
    -- When votes were last counted and told.
    told_at timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (session_id, part)
);

CREATE TABLE live_hand (
    session_id text NOT NULL,
    user_id text NOT NULL,
    name text NOT NULL,
    state text NOT NULL CHECK (state IN ('raised', 'invited', 'lowered')),
    raised_at timestamptz NOT NULL,
    PRIMARY KEY (session_id, user_id)
);

CREATE TABLE live_question (
    id text PRIMARY KEY,
    session_id text NOT NULL,
    -- Also of an anonymous question: it limits how many somebody may ask, and is told to nobody the settings do not name.
    author_id text NOT NULL,
    author_name text NOT NULL,
    anonymous boolean NOT NULL,
    text text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'answered', 'dismissed')),
    answer text,
    asked_at timestamptz NOT NULL,
    -- As last told to the room; the upvotes themselves are the record.
    votes integer NOT NULL DEFAULT 0
);
CREATE INDEX live_question_session ON live_question (session_id);

CREATE TABLE live_upvote (
    question_id text NOT NULL REFERENCES live_question (id),
    user_id text NOT NULL,
    PRIMARY KEY (question_id, user_id)
);

CREATE TABLE live_poll (
    id text PRIMARY KEY,
    session_id text NOT NULL,
    question text NOT NULL,
    options text[] NOT NULL,
    multiple boolean NOT NULL,
    -- Of a quiz; null in a poll that asks for opinions.
    correct integer[],
    anonymous boolean NOT NULL,
    revote boolean NOT NULL,
    -- Whether the room sees the votes while it is open.
    shown boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'closed')),
    opened_at timestamptz NOT NULL,
    closes_at timestamptz,
    closed_at timestamptz,
    -- As last told; the votes themselves are the record.
    counts integer[] NOT NULL,
    voters integer NOT NULL DEFAULT 0,
    -- Of an anonymous poll that is open: makes voters of user ids, and is forgotten when it closes.
    secret bytea
);
CREATE INDEX live_poll_session ON live_poll (session_id);

CREATE TABLE live_vote (
    poll_id text NOT NULL REFERENCES live_poll (id),
    -- A user's id, or in an anonymous poll what its secret makes of it.
    voter text NOT NULL,
    options integer[] NOT NULL,
    rev bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (poll_id, voter)
);

CREATE TABLE live_option (
    session_id text PRIMARY KEY,
    anonymous_questions boolean NOT NULL,
    attention boolean NOT NULL,
    lobby boolean NOT NULL
);
