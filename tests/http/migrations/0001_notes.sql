CREATE TABLE note (
    id uuid PRIMARY KEY,
    owner_id text NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    rev bigint NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX note_owner ON note (owner_id, created_at DESC, id DESC);
