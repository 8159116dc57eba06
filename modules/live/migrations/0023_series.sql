ALTER TABLE live_series ADD COLUMN rev bigint NOT NULL DEFAULT 1;
-- When its series has it; a session that is not then was moved by itself.
ALTER TABLE live_session ADD COLUMN slot_starts timestamptz, ADD COLUMN slot_ends timestamptz;
UPDATE live_session SET slot_starts = starts_at, slot_ends = ends_at WHERE series_id IS NOT NULL;
