-- Gives seats of a session to users who ask at the same moment, in their order. It holds the session's row, so that no
-- seat is given twice, and each statement of a function sees what was committed before it got the row.
-- A seat is kept for a user who took it after `since`, or whom the attendance writer has seen after it. A host needs no
-- seat. A viewer who came before seats were counted has one.
-- The outcome is `given`, `full`, or `stale` when a place would be free without the seats that are kept no longer. With
-- `there`, such seats are given up first, but not those of these users, or of those who ask.
CREATE FUNCTION live_take_seats(session text, askers text[], moment timestamptz, since timestamptz, there text[])
RETURNS TABLE (asker text, outcome text) LANGUAGE plpgsql AS $$
DECLARE
    places integer;
    kept integer;
    mine text[];
    stale text[];
    given text[] := '{}';
BEGIN
    SELECT capacity INTO places FROM live_session WHERE id = session FOR UPDATE;
    SELECT count(*) FILTER (WHERE holder.kept),
        coalesce(array_agg(holder.user_id) FILTER (WHERE holder.kept AND holder.user_id = ANY(askers)), '{}'),
        coalesce(array_agg(holder.user_id) FILTER (WHERE NOT holder.kept), '{}')
    INTO kept, mine, stale FROM (
        SELECT told.user_id, bool_or(told.kept) AS kept FROM (
            SELECT seat.user_id, seat.taken_at > since AS kept FROM live_seat AS seat WHERE seat.session_id = session
            UNION ALL SELECT stay.user_id, true FROM live_stay AS stay LEFT JOIN live_node USING (node)
            WHERE stay.session_id = session AND coalesce(stay.ended_at, seen_at, stay.started_at) > since AND (
                NOT stay.host OR EXISTS (
                    SELECT FROM live_seat AS seat WHERE seat.session_id = session AND seat.user_id = stay.user_id
                )
            )
        ) AS told GROUP BY told.user_id
    ) AS holder;
    IF there IS NOT NULL THEN
        DELETE FROM live_seat WHERE session_id = session AND user_id = ANY(stale) AND user_id <> ALL(there || askers);
        stale := ARRAY(SELECT one FROM unnest(stale) AS one WHERE one = ANY(there || askers));
    END IF;
    FOREACH asker IN ARRAY askers LOOP
        IF asker = ANY(mine) THEN
            outcome := 'given';
        ELSIF places IS NULL OR kept + cardinality(array_remove(stale, asker)) < places THEN
            outcome := 'given';
            kept := kept + 1;
            mine := mine || asker;
            stale := array_remove(stale, asker);
        ELSIF kept < places THEN
            outcome := 'stale';
        ELSE
            outcome := 'full';
        END IF;
        IF outcome = 'given' THEN
            given := given || asker;
        END IF;
        RETURN NEXT;
    END LOOP;
    INSERT INTO live_seat (session_id, user_id, taken_at) SELECT DISTINCT session, one, moment FROM unnest(given) AS one
    ON CONFLICT (session_id, user_id) DO UPDATE SET taken_at = moment;
END
$$;
