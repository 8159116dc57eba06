-- That reviews were given out. Whoever turns in after that joins.
CREATE TABLE assignments_peer_allocation (
    assignment_id text PRIMARY KEY REFERENCES assignments_assignment (id) ON DELETE CASCADE,
    allocated_at timestamptz NOT NULL,
    -- Null: by the gateway, when it closed.
    allocated_by text,
    -- Rises each time that reviews are given out.
    rev bigint NOT NULL DEFAULT 1
);

CREATE TABLE assignments_peer_review (
    id text PRIMARY KEY,
    assignment_id text NOT NULL REFERENCES assignments_assignment (id),
    submission_id text NOT NULL REFERENCES assignments_submission (id),
    -- What is reviewed: the attempt that counts, as long as the review is not done.
    attempt_id text NOT NULL REFERENCES assignments_attempt (id),
    reviewer_id text NOT NULL,
    points numeric(9, 2),
    comment text NOT NULL DEFAULT '',
    -- Of each criterion: id, level, points, comment.
    criteria jsonb NOT NULL DEFAULT '[]',
    assigned_at timestamptz NOT NULL,
    -- When its reviewer first read the work: from then on they take back none of their own.
    opened_at timestamptz,
    -- What was begun is not taken away any more.
    begun_at timestamptz,
    done_at timestamptz,
    rev bigint NOT NULL DEFAULT 1,
    UNIQUE (submission_id, reviewer_id)
);
CREATE INDEX assignments_peer_review_reviewer ON assignments_peer_review (reviewer_id, assignment_id);
CREATE INDEX assignments_peer_review_assignment ON assignments_peer_review (assignment_id, id);
CREATE INDEX assignments_peer_review_attempt ON assignments_peer_review (attempt_id);
