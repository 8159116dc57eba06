-- Rebuilds, of which one at a time is under way: the days from `since` until before `next` are done.
CREATE TABLE analytics_rebuild (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Days of this zone, `until` not included.
    zone text NOT NULL,
    since date NOT NULL,
    until date NOT NULL,
    next date NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
CREATE UNIQUE INDEX analytics_rebuild_open ON analytics_rebuild ((true)) WHERE finished_at IS NULL;
