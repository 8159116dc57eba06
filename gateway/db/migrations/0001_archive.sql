-- The archive of room logs. seq is the sequence of the stream, which is unique over all rooms.
CREATE TABLE room_push (
    seq bigint PRIMARY KEY,
    room text NOT NULL,
    at timestamptz NOT NULL,
    push text NOT NULL,
    author json,
    nonce text,
    message_id text NOT NULL,
    -- json, not jsonb: the text is kept as it was sent, and nothing looks into it.
    data json NOT NULL,
    erases json NOT NULL DEFAULT '[]'
);
CREATE INDEX room_push_room_seq ON room_push (room, seq DESC);

CREATE TABLE archive_position (
    kind text PRIMARY KEY,
    seq bigint NOT NULL
);
