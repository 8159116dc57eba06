-- The video of a session that was started: what is to be done about it, and what is known of it.
CREATE TABLE live_video (
    session_id text PRIMARY KEY REFERENCES live_session (id),
    -- making: a channel is wanted. up: there is one. closing: it is to go. kept: for the mentor's next session. gone.
    phase text NOT NULL CHECK (phase IN ('making', 'up', 'closing', 'kept', 'gone')),
    mentor_id text NOT NULL,
    recording boolean NOT NULL,
    channel_arn text UNIQUE,
    playback_url text,
    ingest_endpoint text,
    stream_key_arn text,
    stream_id text,
    -- When the stream was found gone, and whether its mentors were told that it has been for long.
    lost_at timestamptz,
    warned boolean NOT NULL DEFAULT false,
    starving boolean NOT NULL DEFAULT false,
    -- When somebody has to look at it next, which attempt it is, and until when a gateway that does has it to itself.
    due_at timestamptz,
    attempts bigint NOT NULL DEFAULT 0,
    claimed_until timestamptz,
    rev bigint NOT NULL DEFAULT 1
);
CREATE INDEX live_video_due ON live_video (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX live_video_kept ON live_video (mentor_id) WHERE phase = 'kept';

-- The events of IVS that were handled, by their ids.
CREATE TABLE live_video_event (
    id text PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX live_video_event_at ON live_video_event (at);

CREATE TABLE live_recording (
    -- The recording session's id.
    id text PRIMARY KEY,
    session_id text NOT NULL REFERENCES live_session (id),
    state text NOT NULL CHECK (state IN ('recording', 'ready', 'failed', 'deleted')),
    bucket text NOT NULL,
    prefix text NOT NULL,
    duration_ms bigint,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    rev bigint NOT NULL DEFAULT 1
);
CREATE INDEX live_recording_session ON live_recording (session_id, started_at);
