-- Decimals are numeric and rounded once. A date is a wall clock time with its zone, and the moment that it was
-- resolved to when it was written.
CREATE TABLE assignments_assignment (
    id text PRIMARY KEY,
    program_id text NOT NULL,
    lesson_id text,
    title text NOT NULL,
    instructions text NOT NULL DEFAULT '',
    state text NOT NULL CHECK (state IN ('draft', 'published')),
    -- What is handed in: text, files, pages (photographs in order), link, questions.
    accepts text[] NOT NULL,
    points numeric(9, 2) NOT NULL CHECK (points >= 0),
    -- The category of the grade book that it counts in; null counts in none.
    category_id text,
    extra_credit boolean NOT NULL DEFAULT false,
    -- Each date has a zone of its own.
    opens_wall timestamp,
    opens_zone text,
    opens_at timestamptz,
    due_wall timestamp,
    due_zone text,
    due_at timestamptz,
    closes_wall timestamp,
    closes_zone text,
    closes_at timestamptz,
    late_kind text NOT NULL CHECK (late_kind IN ('none', 'accept', 'percent')),
    late_percent numeric(5, 2) NOT NULL DEFAULT 0 CHECK (late_percent BETWEEN 0 AND 100),
    late_floor numeric(5, 2) NOT NULL DEFAULT 0 CHECK (late_floor BETWEEN 0 AND 100),
    -- Null: as many as one likes.
    attempts int CHECK (attempts >= 1),
    file_types text[] NOT NULL DEFAULT '{}',
    file_bytes bigint NOT NULL,
    files_most int NOT NULL,
    group_set_id text,
    anonymous boolean NOT NULL DEFAULT false,
    -- When students see final grades: at once, together when a mentor says so, or at a time.
    release text NOT NULL DEFAULT 'at_once' CHECK (release IN ('at_once', 'together', 'at_time')),
    release_wall timestamp,
    release_zone text,
    release_at timestamptz,
    -- How many submissions each student reviews.
    peer_reviews int NOT NULL DEFAULT 0 CHECK (peer_reviews BETWEEN 0 AND 20),
    published_at timestamptz,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    rev bigint NOT NULL DEFAULT 1
);
CREATE INDEX assignments_assignment_program ON assignments_assignment (program_id, id);
CREATE INDEX assignments_assignment_lesson ON assignments_assignment (lesson_id) WHERE lesson_id IS NOT NULL;

-- Until when the dates of a published assignment were acted upon: it opened, students were reminded, it closed.
CREATE TABLE assignments_agenda (
    assignment_id text PRIMARY KEY REFERENCES assignments_assignment (id) ON DELETE CASCADE,
    told_until timestamptz NOT NULL,
    -- How often students were reminded.
    reminders bigint NOT NULL DEFAULT 0
);

CREATE TABLE assignments_question (
    id text PRIMARY KEY,
    assignment_id text NOT NULL REFERENCES assignments_assignment (id) ON DELETE CASCADE,
    position int NOT NULL,
    kind text NOT NULL CHECK (kind IN ('single', 'multiple', 'numeric', 'short_text')),
    text text NOT NULL,
    options jsonb NOT NULL DEFAULT '[]',
    -- What is right; no student reads it before the grade is released.
    key jsonb NOT NULL,
    points numeric(9, 2) NOT NULL CHECK (points >= 0)
);
CREATE INDEX assignments_question_order ON assignments_question (assignment_id, position);

-- Dates of one student for one assignment.
CREATE TABLE assignments_extension (
    assignment_id text NOT NULL REFERENCES assignments_assignment (id) ON DELETE CASCADE,
    user_id text NOT NULL,
    due_wall timestamp,
    due_zone text,
    due_at timestamptz,
    closes_wall timestamp,
    closes_zone text,
    closes_at timestamptz,
    extra_attempts int NOT NULL DEFAULT 0 CHECK (extra_attempts >= 0),
    reason text NOT NULL DEFAULT '',
    granted_by text NOT NULL,
    granted_at timestamptz NOT NULL,
    rev bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (assignment_id, user_id)
);
CREATE INDEX assignments_extension_user ON assignments_extension (user_id);

-- The revision of a student's own dates, which come from several rows.
CREATE SEQUENCE assignments_dates_rev;

-- What a student has more in all assignments of a program.
CREATE TABLE assignments_accommodation (
    program_id text NOT NULL,
    user_id text NOT NULL,
    extra_days int NOT NULL DEFAULT 0 CHECK (extra_days BETWEEN 0 AND 365),
    extra_attempts int NOT NULL DEFAULT 0 CHECK (extra_attempts >= 0),
    note text NOT NULL DEFAULT '',
    granted_by text NOT NULL,
    granted_at timestamptz NOT NULL,
    rev bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (program_id, user_id)
);
CREATE INDEX assignments_accommodation_user ON assignments_accommodation (user_id);

-- A division of a program's students into groups. Somebody who left keeps the grades of what was turned in before; who
-- comes later has those of the group from then on, and of what it had turned in.
CREATE TABLE assignments_group_set (
    id text PRIMARY KEY,
    program_id text NOT NULL,
    name text NOT NULL,
    rev bigint NOT NULL DEFAULT 1
);
CREATE INDEX assignments_group_set_program ON assignments_group_set (program_id, id);

CREATE TABLE assignments_group (
    id text PRIMARY KEY,
    set_id text NOT NULL REFERENCES assignments_group_set (id) ON DELETE CASCADE,
    name text NOT NULL
);
CREATE INDEX assignments_group_of_set ON assignments_group (set_id, id);

CREATE TABLE assignments_group_member (
    id bigserial PRIMARY KEY,
    set_id text NOT NULL,
    group_id text NOT NULL REFERENCES assignments_group (id) ON DELETE CASCADE,
    user_id text NOT NULL,
    joined_at timestamptz NOT NULL,
    left_at timestamptz
);
CREATE UNIQUE INDEX assignments_group_member_once ON assignments_group_member (set_id, user_id) WHERE left_at IS NULL;
CREATE INDEX assignments_group_member_group ON assignments_group_member (group_id);
CREATE INDEX assignments_group_member_user ON assignments_group_member (user_id);
