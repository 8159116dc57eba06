-- Small facts that every node must know at once: who is revoked, banned, muted, taken out.
CREATE SEQUENCE fact_rev;

CREATE TABLE fact (
    kind text NOT NULL,
    key text NOT NULL,
    -- Rises with every change of any fact, so that of two versions of one the newer is known by it.
    rev bigint NOT NULL,
    -- When it ends by itself; null while it does not, the epoch when it was lifted.
    until timestamptz,
    data json NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX fact_changed ON fact (changed_at);
