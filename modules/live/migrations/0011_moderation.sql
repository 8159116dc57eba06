-- Who is kept out, by a word said in one session.
CREATE TABLE live_ban (
    session_id text NOT NULL,
    -- Of that session alone, or of all of its program's.
    scope text NOT NULL CHECK (scope IN ('session', 'program')),
    user_id text NOT NULL,
    program_id text NOT NULL,
    reason text NOT NULL,
    by_id text NOT NULL,
    by_name text NOT NULL,
    -- Null: until it is lifted.
    until timestamptz,
    -- The sessions whose rooms they were taken out of, to be let in again.
    sessions text[] NOT NULL,
    PRIMARY KEY (session_id, scope, user_id)
);
CREATE INDEX live_ban_user ON live_ban (user_id);

-- What hosts did to whom. Nothing is ever changed or removed here.
CREATE TABLE live_moderation (
    id text PRIMARY KEY,
    session_id text NOT NULL,
    user_id text NOT NULL,
    action text NOT NULL CHECK (action IN ('kick', 'ban', 'unban', 'promote')),
    detail text NOT NULL,
    reason text NOT NULL,
    by_id text NOT NULL,
    by_name text NOT NULL,
    until timestamptz,
    at timestamptz NOT NULL
);
CREATE INDEX live_moderation_session ON live_moderation (session_id, at);

-- Who asked to be let into a session whose viewers wait, and who was.
CREATE TABLE live_guest (
    session_id text NOT NULL,
    user_id text NOT NULL,
    name text NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'admitted')),
    knocked_at timestamptz NOT NULL,
    PRIMARY KEY (session_id, user_id)
);

-- Who has turned to another window, in sessions whose hosts want to know.
CREATE TABLE live_away (
    session_id text NOT NULL,
    user_id text NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (session_id, user_id)
);
