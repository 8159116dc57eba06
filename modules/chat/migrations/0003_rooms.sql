-- Chat is in rooms of several kinds. Each row names its room, `<kind>:<id>`; all that there are belong to sessions.
ALTER TABLE chat_room RENAME COLUMN session_id TO room;
ALTER TABLE chat_room ALTER COLUMN room TYPE text USING 'session:' || room;
ALTER TABLE chat_wait RENAME COLUMN session_id TO room;
ALTER TABLE chat_wait ALTER COLUMN room TYPE text USING 'session:' || room;
ALTER TABLE chat_mute RENAME COLUMN session_id TO room;
ALTER TABLE chat_mute ALTER COLUMN room TYPE text USING 'session:' || room;
ALTER TABLE chat_reaction RENAME COLUMN session_id TO room;
ALTER TABLE chat_reaction ALTER COLUMN room TYPE text USING 'session:' || room;
ALTER TABLE chat_tally RENAME COLUMN session_id TO room;
ALTER TABLE chat_tally ALTER COLUMN room TYPE text USING 'session:' || room;
ALTER TABLE chat_tally_told RENAME COLUMN session_id TO room;
ALTER TABLE chat_tally_told ALTER COLUMN room TYPE text USING 'session:' || room;
ALTER TABLE chat_report RENAME COLUMN session_id TO room;
ALTER TABLE chat_report ALTER COLUMN room TYPE text USING 'session:' || room;
ALTER TABLE chat_attachment RENAME COLUMN session_id TO room;
ALTER TABLE chat_attachment ALTER COLUMN room TYPE text USING 'session:' || room;
ALTER INDEX chat_report_session RENAME TO chat_report_room;
