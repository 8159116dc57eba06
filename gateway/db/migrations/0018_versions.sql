-- The first version of what a push is a later version of, and which pushes before it a push took out.
ALTER TABLE room_push ADD COLUMN replaces bigint, ADD COLUMN sweeps json;
CREATE INDEX room_push_replaces ON room_push (replaces, seq DESC) WHERE replaces IS NOT NULL;
