CREATE TABLE assignments_rubric (
    assignment_id text PRIMARY KEY REFERENCES assignments_assignment (id) ON DELETE CASCADE,
    -- In order: id, title, text, and levels with id, title, points.
    criteria jsonb NOT NULL,
    rev bigint NOT NULL DEFAULT 1
);

-- The grade of an attempt, as its markers last saved it. `released_version` is what students see.
CREATE TABLE assignments_grade (
    attempt_id text PRIMARY KEY REFERENCES assignments_attempt (id),
    submission_id text NOT NULL REFERENCES assignments_submission (id),
    assignment_id text NOT NULL,
    -- Drafts are for markers; final ones are released by the assignment's policy.
    state text NOT NULL CHECK (state IN ('draft', 'final')),
    version int NOT NULL,
    released_version int,
    released_at timestamptz,
    rev bigint NOT NULL DEFAULT 1
);
CREATE INDEX assignments_grade_assignment ON assignments_grade (assignment_id);
CREATE INDEX assignments_grade_submission ON assignments_grade (submission_id);

-- Every version of a grade is kept. Points are before lateness.
CREATE TABLE assignments_grade_version (
    attempt_id text NOT NULL REFERENCES assignments_grade (attempt_id) DEFERRABLE INITIALLY DEFERRED,
    version int NOT NULL,
    state text NOT NULL CHECK (state IN ('draft', 'final')),
    -- What counts; null while a draft has none. `override` is what the marker gave in place of the rubric's sum.
    points numeric(9, 2),
    override numeric(9, 2),
    comment text NOT NULL DEFAULT '',
    -- Of each criterion: criterion_id, level_id, points, comment.
    criteria jsonb NOT NULL DEFAULT '[]',
    -- Null: graded by the key of its questions.
    marked_by text,
    marked_at timestamptz NOT NULL,
    PRIMARY KEY (attempt_id, version)
);

-- Who is to mark a submission.
CREATE TABLE assignments_marker (
    submission_id text PRIMARY KEY REFERENCES assignments_submission (id),
    marker_id text NOT NULL,
    assigned_at timestamptz NOT NULL
);
CREATE INDEX assignments_marker_user ON assignments_marker (marker_id);

-- Who was given a submission as the next to mark, and until when others are given another one.
CREATE TABLE assignments_marking (
    submission_id text PRIMARY KEY REFERENCES assignments_submission (id),
    marker_id text NOT NULL,
    until timestamptz NOT NULL
);

-- By what name markers know a submission of an anonymous assignment.
CREATE TABLE assignments_pseudonym (
    submission_id text PRIMARY KEY REFERENCES assignments_submission (id),
    assignment_id text NOT NULL,
    pseudonym text NOT NULL,
    UNIQUE (assignment_id, pseudonym)
);

-- Sentences that a program's markers use again.
CREATE TABLE assignments_comment (
    id text PRIMARY KEY,
    program_id text NOT NULL,
    text text NOT NULL,
    created_by text NOT NULL,
    rev bigint NOT NULL DEFAULT 1
);
CREATE INDEX assignments_comment_program ON assignments_comment (program_id, id);

CREATE TABLE assignments_regrade (
    id text PRIMARY KEY,
    attempt_id text NOT NULL REFERENCES assignments_attempt (id),
    submission_id text NOT NULL,
    assignment_id text NOT NULL,
    asked_by text NOT NULL,
    reason text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'accepted', 'declined')),
    answer text NOT NULL DEFAULT '',
    answered_by text,
    asked_at timestamptz NOT NULL,
    answered_at timestamptz,
    rev bigint NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX assignments_regrade_open ON assignments_regrade (attempt_id) WHERE state = 'open';
CREATE INDEX assignments_regrade_assignment ON assignments_regrade (assignment_id, id);
