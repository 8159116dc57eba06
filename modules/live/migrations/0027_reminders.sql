-- Up to when reminders of a session are done with. A reminder whose moment is later was not sent yet. Null means since
-- the session was made.
ALTER TABLE live_session ADD COLUMN reminded_at timestamptz;
-- A reminder that waits, or is overdue, is still sent. The others of a session were sent.
UPDATE live_session SET reminded_at = now() WHERE state IN ('scheduled', 'lobby');
UPDATE live_session SET reminded_at = least(reminded_at, waiting.at - interval '1 microsecond') FROM (
    SELECT regexp_replace(key, '-[0-9]+$', '') AS session_id, min(at) AS at
    FROM timer WHERE name = 'live.remind' GROUP BY 1
) AS waiting WHERE id = waiting.session_id AND state IN ('scheduled', 'lobby');
