-- Who has said in which session whether they agree to being recorded.
CREATE TABLE live_consent (
    session_id text NOT NULL,
    user_id text NOT NULL,
    name text NOT NULL,
    agreed boolean NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (session_id, user_id)
);
