-- Who was in which session on which node. An open stay lasts until its node was last seen, so that a node that
-- is killed ends its stays by itself, and one that lives writes a single row for all of them.
CREATE TABLE live_stay (
    session_id text NOT NULL,
    user_id text NOT NULL,
    node text NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    name text NOT NULL,
    host boolean NOT NULL,
    PRIMARY KEY (session_id, user_id, node, started_at)
) WITH (fillfactor = 80);

CREATE TABLE live_node (
    node text PRIMARY KEY,
    seen_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- What is kept of a session that is over. The curve has the most viewers at once of every `step` seconds.
CREATE TABLE live_report (
    session_id text PRIMARY KEY,
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    step integer NOT NULL,
    curve integer[] NOT NULL,
    totals json NOT NULL
);

CREATE TABLE live_attendance (
    session_id text NOT NULL,
    -- In the order of its characters, as a list that is reckoned has it.
    user_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    first_at timestamptz,
    last_at timestamptz,
    seconds integer NOT NULL,
    visits integer NOT NULL,
    late_seconds integer NOT NULL,
    early_seconds integer NOT NULL,
    late boolean NOT NULL,
    early boolean NOT NULL,
    present boolean NOT NULL,
    PRIMARY KEY (session_id, user_id)
);

-- The id is what a comment is listed under: it says nothing of who or when.
CREATE TABLE live_star (
    session_id text NOT NULL,
    user_id text NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    stars smallint NOT NULL CHECK (stars BETWEEN 1 AND 5),
    comment text NOT NULL,
    given_at timestamptz NOT NULL,
    PRIMARY KEY (session_id, user_id)
);
CREATE UNIQUE INDEX live_star_id ON live_star (session_id, id);
