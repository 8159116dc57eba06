ALTER TABLE program ADD COLUMN curriculum_rev bigint NOT NULL DEFAULT 1;

-- Of a unit or lesson: its place in the order. Written under the lock of the program's row, as all of the curriculum.
CREATE TABLE program_unit (
    id text PRIMARY KEY,
    program_id text NOT NULL REFERENCES program (id),
    title text NOT NULL,
    summary text NOT NULL DEFAULT '',
    position bigint NOT NULL,
    rev bigint NOT NULL,
    UNIQUE (id, program_id)
);
CREATE INDEX program_unit_order ON program_unit (program_id, position);

CREATE TABLE program_lesson (
    id text PRIMARY KEY,
    program_id text NOT NULL,
    unit_id text NOT NULL,
    title text NOT NULL,
    text text NOT NULL DEFAULT '',
    position bigint NOT NULL,
    rev bigint NOT NULL,
    FOREIGN KEY (unit_id, program_id) REFERENCES program_unit (id, program_id) ON DELETE CASCADE
);
CREATE INDEX program_lesson_order ON program_lesson (program_id, unit_id, position);
CREATE INDEX program_lesson_unit ON program_lesson (unit_id);

-- One row for each student who has begun; locked by whatever they do, so that the last lesson is completed once.
CREATE TABLE program_student (
    program_id text NOT NULL REFERENCES program (id),
    user_id text NOT NULL,
    seen_at timestamptz NOT NULL,
    completed_at timestamptz,
    PRIMARY KEY (program_id, user_id)
);

CREATE TABLE program_progress (
    lesson_id text NOT NULL REFERENCES program_lesson (id) ON DELETE CASCADE,
    user_id text NOT NULL,
    started_at timestamptz NOT NULL,
    completed_at timestamptz,
    PRIMARY KEY (lesson_id, user_id)
);

-- Payments that were decided about, each once, whatever became of the place.
CREATE TABLE program_payment (
    payment_id text PRIMARY KEY,
    program_id text NOT NULL,
    user_id text NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO program_payment (payment_id, program_id, user_id)
    SELECT payment_id, program_id, user_id FROM program_enrolment WHERE payment_id IS NOT NULL;
