-- developing: the session is over, and its recording is waited for.
ALTER TABLE live_video DROP CONSTRAINT live_video_phase_check;
ALTER TABLE live_video ADD CONSTRAINT live_video_phase_check
    CHECK (phase IN ('making', 'up', 'closing', 'developing', 'kept', 'gone'));

-- Nothing wrote it so far. A recording is written when it has ended.
DROP TABLE live_recording;
CREATE TABLE live_recording (
    -- The last part of its prefix.
    id text PRIMARY KEY,
    session_id text NOT NULL REFERENCES live_session (id),
    bucket text NOT NULL,
    prefix text NOT NULL,
    duration_ms bigint NOT NULL,
    started_at timestamptz NOT NULL,
    rev bigint NOT NULL DEFAULT 1
);
CREATE INDEX live_recording_session ON live_recording (session_id, started_at);
