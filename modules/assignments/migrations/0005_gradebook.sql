CREATE TABLE assignments_category (
    id text PRIMARY KEY,
    program_id text NOT NULL,
    name text NOT NULL,
    -- In percent of the total; the weights of a program are scaled to those that have grades.
    weight numeric(6, 2) NOT NULL CHECK (weight >= 0),
    drop_lowest int NOT NULL DEFAULT 0 CHECK (drop_lowest >= 0),
    position int NOT NULL DEFAULT 0,
    rev bigint NOT NULL DEFAULT 1,
    UNIQUE (id, program_id)
);
CREATE INDEX assignments_category_program ON assignments_category (program_id, position);
-- An assignment is in a category of its own program.
ALTER TABLE assignments_assignment
    ADD FOREIGN KEY (category_id, program_id) REFERENCES assignments_category (id, program_id);
CREATE INDEX assignments_assignment_category ON assignments_assignment (category_id) WHERE category_id IS NOT NULL;

-- What a student must have for the certificate of a program; null asks for nothing. In percent.
CREATE TABLE assignments_completion_rule (
    program_id text PRIMARY KEY,
    lessons numeric(5, 2),
    attendance numeric(5, 2),
    grade numeric(5, 2),
    rev bigint NOT NULL DEFAULT 1
);

CREATE TABLE assignments_certificate (
    id text PRIMARY KEY,
    -- What the verification page is asked for; it is in the PDF, and says nothing by itself.
    code text NOT NULL UNIQUE,
    program_id text NOT NULL,
    user_id text NOT NULL,
    -- As they were when it was issued.
    name text NOT NULL,
    program_title text NOT NULL,
    issued_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_by text,
    reason text NOT NULL DEFAULT '',
    rev bigint NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX assignments_certificate_valid ON assignments_certificate (program_id, user_id)
    WHERE revoked_at IS NULL;
CREATE INDEX assignments_certificate_user ON assignments_certificate (user_id);
