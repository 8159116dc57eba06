ALTER TABLE chat_room ADD COLUMN attachments text NOT NULL DEFAULT 'allow' CHECK (attachments IN ('allow', 'hosts', 'block'));

-- Messages with files. A row is written before its message is published, so that no file of a stored message is swept.
CREATE TABLE chat_attachment (
    -- Of the message as it was first sent. What holds its files is named by it.
    message_id text PRIMARY KEY,
    session_id text NOT NULL,
    author_id text NOT NULL,
    sent_at timestamptz NOT NULL,
    -- Null until the log has answered.
    seq bigint,
    -- When the message was erased, or was found not to be stored.
    gone_at timestamptz
);
CREATE INDEX chat_attachment_message ON chat_attachment (session_id, seq) WHERE gone_at IS NULL;
CREATE INDEX chat_attachment_author ON chat_attachment (author_id);
CREATE INDEX chat_attachment_unsettled ON chat_attachment (sent_at) WHERE seq IS NULL AND gone_at IS NULL;
