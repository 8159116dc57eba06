-- What a row-first command with a nonce was answered, for as long as it may be repeated.
CREATE TABLE command_result (
    -- A hash of user, room, command and nonce.
    id text PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    -- Never null once the transaction that claimed the id has committed.
    ok json
);
CREATE INDEX command_result_at ON command_result (at);
