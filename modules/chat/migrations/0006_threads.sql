-- The threads of rooms, counted from the rows of the index.
CREATE TABLE chat_thread (
    room text NOT NULL,
    -- Of the root, as it was first sent.
    seq bigint NOT NULL,
    replies bigint NOT NULL,
    -- When the newest reply was sent; null without any.
    last_at timestamptz,
    rev bigint NOT NULL,
    PRIMARY KEY (room, seq)
);
CREATE INDEX chat_thread_newest ON chat_thread (room, last_at, seq) WHERE replies > 0;
