-- Counts and sums of any time, to the microsecond: whole buckets from the rollup, and both edges from raw events.
-- It is one statement without conditions of its own on programs, so PostgreSQL applies those of the caller within it.
CREATE FUNCTION analytics_counted(names text[], since timestamptz, until timestamptz)
RETURNS TABLE (
    bucket timestamptz, name text, program_id text, session_id text, label text, count bigint, value bigint
) LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT rollup.bucket, rollup.name, rollup.program_id, rollup.session_id, rollup.label, rollup.count, rollup.value
    FROM analytics_rollup AS rollup
    WHERE rollup.name = ANY($1)
        -- A bucket that begins before the time is not whole, and neither is the one that the end lies in.
        AND rollup.bucket >= $2 AND rollup.bucket < analytics_bucket($3)
    UNION ALL
    SELECT analytics_bucket(event.at), event.name, event.program_id, event.session_id, event.label,
        count(*), sum(event.value)::bigint
    FROM analytics_event AS event
    WHERE event.name = ANY($1)
        AND event.at >= $2 AND event.at < least($3, analytics_bucket($2 - interval '1 microsecond') + interval '15 minutes')
        AND event.id >= analytics_least_id($2 - interval '8 days')
        AND event.id < analytics_least_id($3 + interval '8 days')
    GROUP BY 1, 2, 3, 4, 5
    UNION ALL
    SELECT analytics_bucket(event.at), event.name, event.program_id, event.session_id, event.label,
        count(*), sum(event.value)::bigint
    FROM analytics_event AS event
    WHERE event.name = ANY($1)
        AND event.at >= greatest(
            analytics_bucket($3), analytics_bucket($2 - interval '1 microsecond') + interval '15 minutes'
        )
        AND event.at < $3
        AND event.id >= analytics_least_id($2 - interval '8 days')
        AND event.id < analytics_least_id($3 + interval '8 days')
    GROUP BY 1, 2, 3, 4, 5
$$;

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
