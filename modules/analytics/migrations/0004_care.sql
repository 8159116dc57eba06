-- Classes whose hosts want their figures while they go on, and the gateway that reads them, until its lease ends.
CREATE TABLE analytics_watch (
    session_id text PRIMARY KEY,
    asked_at timestamptz NOT NULL,
    node text NOT NULL,
    until timestamptz NOT NULL
);

-- Who was written to last because they fall behind in a program.
CREATE TABLE analytics_message (
    program_id text NOT NULL,
    user_id text NOT NULL,
    by_id text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (program_id, user_id)
);
CREATE INDEX analytics_message_user ON analytics_message (user_id);
CREATE INDEX analytics_message_by ON analytics_message (by_id, at);
