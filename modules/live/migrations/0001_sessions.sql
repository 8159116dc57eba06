CREATE TABLE live_session (
    id text PRIMARY KEY,
    program_id text NOT NULL,
    title text NOT NULL,
    mentor_id text NOT NULL,
    starts_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX live_session_program ON live_session (program_id);
