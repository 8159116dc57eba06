-- The stage of an interactive session, beside the channel on which the crowd sees it.
ALTER TABLE live_video
    ADD COLUMN interactive boolean NOT NULL DEFAULT false,
    ADD COLUMN stage_arn text UNIQUE;

-- Every token of a stage that was handed out, by the participant it makes of a user: who is there, and who may yet come.
CREATE TABLE live_participant (
    id text PRIMARY KEY,
    session_id text NOT NULL REFERENCES live_session (id),
    user_id text NOT NULL,
    stage_arn text NOT NULL,
    role text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('camera', 'screen')),
    expires_at timestamptz NOT NULL,
    -- From when on the participant is to be disconnected; null for one that may stay.
    leaving_at timestamptz
);
CREATE INDEX live_participant_session ON live_participant (session_id, user_id);
CREATE INDEX live_participant_user ON live_participant (user_id);
CREATE INDEX live_participant_leaving ON live_participant (leaving_at) WHERE leaving_at IS NOT NULL;
