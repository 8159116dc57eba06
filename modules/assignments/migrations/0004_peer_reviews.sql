CREATE TABLE assignments_peer_review (
    id text PRIMARY KEY,
    assignment_id text NOT NULL REFERENCES assignments_assignment (id),
    submission_id text NOT NULL REFERENCES assignments_submission (id),
    attempt_id text NOT NULL REFERENCES assignments_attempt (id),
    reviewer_id text NOT NULL,
    points numeric(9, 2),
    comment text NOT NULL DEFAULT '',
    criteria jsonb NOT NULL DEFAULT '[]',
    assigned_at timestamptz NOT NULL,
    done_at timestamptz,
    rev bigint NOT NULL DEFAULT 1,
    UNIQUE (submission_id, reviewer_id)
);
CREATE INDEX assignments_peer_review_reviewer ON assignments_peer_review (reviewer_id, assignment_id);
CREATE INDEX assignments_peer_review_assignment ON assignments_peer_review (assignment_id);
