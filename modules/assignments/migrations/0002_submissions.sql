-- What a student, or a group, hands in for an assignment; with its one draft.
CREATE TABLE assignments_submission (
    id text PRIMARY KEY,
    assignment_id text NOT NULL REFERENCES assignments_assignment (id),
    program_id text NOT NULL,
    user_id text,
    group_id text,
    state text NOT NULL CHECK (state IN ('draft', 'turned_in', 'returned')),
    -- Rises with every save of the draft.
    draft_rev bigint NOT NULL DEFAULT 0,
    draft_text text NOT NULL DEFAULT '',
    draft_link text NOT NULL DEFAULT '',
    draft_answers jsonb NOT NULL DEFAULT '{}',
    draft_saved_by text,
    draft_saved_at timestamptz,
    -- When text, link or answers were last changed. Files have moments of their own.
    draft_written_at timestamptz,
    -- The latest attempt that was not reclaimed, and how many there are of those.
    attempt_id text,
    attempts int NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    -- Rises with what its students may see, and with nothing else.
    rev bigint NOT NULL DEFAULT 1,
    CHECK ((user_id IS NULL) <> (group_id IS NULL)),
    UNIQUE (assignment_id, user_id),
    UNIQUE (assignment_id, group_id)
);
CREATE INDEX assignments_submission_user ON assignments_submission (user_id);

-- What was turned in. Nothing of it is changed, but that it is reclaimed.
CREATE TABLE assignments_attempt (
    id text PRIMARY KEY,
    submission_id text NOT NULL REFERENCES assignments_submission (id),
    assignment_id text NOT NULL,
    number int NOT NULL,
    -- The revision of the draft that it was made of: each is turned in once.
    draft_rev bigint NOT NULL,
    text text NOT NULL,
    link text NOT NULL,
    answers jsonb NOT NULL,
    -- Of each file in order: id, name, type, size, sha256.
    files jsonb NOT NULL,
    turned_in_by text NOT NULL,
    -- Whose work it was then.
    members text[] NOT NULL,
    -- The server's stamp. `accepted_at` is when it was written, which a retry after our failure makes later.
    turned_in_at timestamptz NOT NULL,
    -- What lateness is counted from: the stamp, or when the work was fixed, for an upload that took long.
    counted_at timestamptz NOT NULL,
    accepted_at timestamptz NOT NULL,
    -- SHA-256 of all that the receipt names.
    receipt text NOT NULL,
    auto_points numeric(9, 2),
    auto_results jsonb,
    reclaimed_at timestamptz,
    UNIQUE (submission_id, number),
    UNIQUE (submission_id, draft_rev)
);
CREATE INDEX assignments_attempt_members ON assignments_attempt USING gin (members);
CREATE INDEX assignments_attempt_assignment ON assignments_attempt (assignment_id, id);

-- The first try to turn in a draft as it is: its stamp holds for a repeat after our failure.
CREATE TABLE assignments_turn_in (
    submission_id text NOT NULL REFERENCES assignments_submission (id),
    draft_rev bigint NOT NULL,
    user_id text NOT NULL,
    stamped_at timestamptz NOT NULL,
    PRIMARY KEY (submission_id, draft_rev)
);

-- How many submissions are turned in, for mentors; counted anew after each change, under a lock of its own.
CREATE TABLE assignments_counter (
    assignment_id text PRIMARY KEY REFERENCES assignments_assignment (id) ON DELETE CASCADE,
    turned_in int NOT NULL DEFAULT 0,
    rev bigint NOT NULL DEFAULT 1
);
