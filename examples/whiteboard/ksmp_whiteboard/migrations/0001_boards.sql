CREATE TABLE whiteboard_board (
    session_id text PRIMARY KEY,
    rev bigint NOT NULL DEFAULT 0,
    strokes text NOT NULL DEFAULT '[]',
    wipes bigint NOT NULL DEFAULT 0
);
