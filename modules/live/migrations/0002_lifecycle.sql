ALTER TABLE live_session
    -- Sessions of before there were states were open to all of their program, as a class that runs is.
    ADD COLUMN state text NOT NULL DEFAULT 'live' CHECK (state IN ('scheduled', 'lobby', 'live', 'ended', 'cancelled')),
    ADD COLUMN ends_at timestamptz NOT NULL DEFAULT now() + interval '1 hour',
    ADD COLUMN lesson_id text,
    ADD COLUMN series_id text,
    ADD COLUMN summary text NOT NULL DEFAULT '',
    ADD COLUMN co_mentors text[] NOT NULL DEFAULT '{}',
    ADD COLUMN mode text NOT NULL DEFAULT 'broadcast' CHECK (mode IN ('broadcast', 'interactive')),
    ADD COLUMN visibility text NOT NULL DEFAULT 'program' CHECK (visibility IN ('program', 'open')),
    ADD COLUMN recording boolean NOT NULL DEFAULT false,
    -- Null: as many as come.
    ADD COLUMN capacity bigint CHECK (capacity >= 1),
    ADD COLUMN video text NOT NULL DEFAULT 'off'
        CHECK (video IN ('off', 'unavailable', 'starting', 'ready', 'streaming', 'lost')),
    ADD COLUMN opened_at timestamptz,
    ADD COLUMN started_at timestamptz,
    ADD COLUMN ended_at timestamptz,
    ADD COLUMN rev bigint NOT NULL DEFAULT 1,
    ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX live_session_agenda ON live_session (starts_at, id);
CREATE INDEX live_session_mentor ON live_session (mentor_id);
CREATE INDEX live_session_co_mentors ON live_session USING gin (co_mentors);
CREATE INDEX live_session_series ON live_session (series_id) WHERE series_id IS NOT NULL;

-- Who is more than a viewer in one session, by a host's word.
CREATE TABLE live_promotion (
    session_id text NOT NULL REFERENCES live_session (id),
    user_id text NOT NULL,
    role text NOT NULL CHECK (role IN ('speaker', 'cohost')),
    PRIMARY KEY (session_id, user_id)
);

-- Who takes a place of a session that has so many. Given under the lock of the session's row.
CREATE TABLE live_seat (
    session_id text NOT NULL REFERENCES live_session (id),
    user_id text NOT NULL,
    taken_at timestamptz NOT NULL,
    PRIMARY KEY (session_id, user_id)
);
