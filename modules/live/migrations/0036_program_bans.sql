-- The bans of before keep their users out of the program itself too.
INSERT INTO program_ban (program_id, user_id, until)
SELECT program_id, user_id, CASE WHEN bool_or(until IS NULL) THEN NULL ELSE max(until) END
FROM live_ban WHERE scope = 'program' GROUP BY program_id, user_id
ON CONFLICT DO NOTHING;
