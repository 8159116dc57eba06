-- When analytics began: facts of before come by a backfill. One row.
CREATE TABLE analytics_beginning (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO analytics_beginning DEFAULT VALUES;

-- Days whose facts are compared with the rows of the modules. A day is compared in two steps: its rows are counted, and
-- once all events of before that are stored, its facts, and its rows again.
CREATE TABLE analytics_compared_day (
    day date PRIMARY KEY,
    -- What the rows said, and when they did; null between two comparisons.
    rows json,
    rows_at timestamptz,
    compared_at timestamptz
);

-- What the last comparison of each day came to. A null was not compared.
CREATE TABLE analytics_comparison (
    id uuid PRIMARY KEY,
    day date NOT NULL,
    name text NOT NULL,
    label text NOT NULL,
    facts_count bigint NOT NULL,
    facts_value bigint NOT NULL,
    rows_count bigint,
    rows_value bigint,
    agrees boolean NOT NULL,
    compared_at timestamptz NOT NULL,
    UNIQUE (day, name, label)
);
