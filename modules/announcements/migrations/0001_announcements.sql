CREATE TABLE announcement (
    id uuid PRIMARY KEY,
    -- all, role:<role> or program:<id>
    audience text NOT NULL,
    title text NOT NULL,
    text text NOT NULL,
    status text NOT NULL CHECK (status IN ('scheduled', 'published', 'expired', 'withdrawn')),
    publish_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > publish_at),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    rev bigint NOT NULL
);
CREATE INDEX announcement_newest ON announcement (created_at, id);
CREATE INDEX announcement_open ON announcement (audience) WHERE status IN ('scheduled', 'published');
