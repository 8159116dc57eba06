-- Counts must not read over what is not counted. Who is mentioned where: a row a user and message, written with it.
CREATE TABLE chat_mention (
    user_id text NOT NULL,
    room text NOT NULL,
    seq bigint NOT NULL REFERENCES chat_message (seq) ON DELETE CASCADE,
    PRIMARY KEY (user_id, room, seq)
);
CREATE INDEX chat_mention_message ON chat_mention (seq);
INSERT INTO chat_mention SELECT DISTINCT one.user_id, room, seq FROM chat_message, unnest(mentions) AS one (user_id);
DROP INDEX chat_message_mention;
-- Where the part of a room begins that is for somebody who came later.
CREATE INDEX chat_message_time ON chat_message (room, at);
