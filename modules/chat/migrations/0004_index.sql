-- The index of messages: a row for each message that the archive holds, in its latest version. The text stays there.
CREATE TABLE chat_message (
    -- Of the message as it was first sent.
    seq bigint PRIMARY KEY,
    -- Of the version that the archive holds now.
    version bigint NOT NULL UNIQUE,
    room text NOT NULL,
    author_id text NOT NULL,
    at timestamptz NOT NULL,
    -- The seq of the root that the message answers in a thread.
    thread bigint,
    mentions text[] NOT NULL,
    -- The program of the room; null for direct rooms.
    program_id text,
    -- Its words, as modules/chat/index/words.py makes them, and its scope, which begins with a slash.
    words tsvector NOT NULL
);
CREATE INDEX chat_message_room ON chat_message (room, seq);
CREATE INDEX chat_message_thread ON chat_message (room, thread, seq) WHERE thread IS NOT NULL;
CREATE INDEX chat_message_mention ON chat_message (room, seq) WHERE mentions <> '{}';
CREATE INDEX chat_message_author ON chat_message (author_id, seq);
CREATE INDEX chat_message_words ON chat_message USING gin (words);

-- How often the messages of a room have changed: sent, edited or gone. Counts of the room go by it.
CREATE TABLE chat_index_room (
    room text PRIMARY KEY,
    changes bigint NOT NULL
);

-- How far the index has followed the archive, by kind of room.
CREATE TABLE chat_index (
    kind text PRIMARY KEY,
    seq bigint NOT NULL DEFAULT 0,
    -- The form of the words (index/words.py), and up to where the archive was read again to have all rows in it. Null:
    -- the end.
    form integer NOT NULL,
    again bigint
);
