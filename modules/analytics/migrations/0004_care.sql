-- Classes whose hosts want their figures while they go on, and the gateway that reads them, until its lease ends.
CREATE TABLE analytics_watch (
    session_id text PRIMARY KEY,
    asked_at timestamptz NOT NULL,
    node text NOT NULL,
    until timestamptz NOT NULL
);
