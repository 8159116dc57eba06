-- Users who are kept out of a program, until a time or for good. Whoever bans them has the record of it.
CREATE TABLE program_ban (
    program_id text NOT NULL,
    user_id text NOT NULL,
    until timestamptz,
    PRIMARY KEY (program_id, user_id)
);
CREATE INDEX program_ban_user ON program_ban (user_id);
