-- What a lesson has besides its text, in order.
CREATE TABLE program_lesson_item (
    id text PRIMARY KEY,
    lesson_id text NOT NULL REFERENCES program_lesson (id) ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('text', 'link', 'file', 'recording')),
    title text NOT NULL DEFAULT '',
    -- The text, the address, or the id of the file or the session.
    content text NOT NULL,
    position bigint NOT NULL,
    rev bigint NOT NULL
);
CREATE INDEX program_lesson_item_order ON program_lesson_item (lesson_id, position);
