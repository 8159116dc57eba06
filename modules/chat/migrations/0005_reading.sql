-- Up to where each user has read each room, over all their devices.
CREATE TABLE chat_read (
    user_id text NOT NULL,
    room text NOT NULL,
    seq bigint NOT NULL,
    -- How often it rose. Together with the changes of the room it is the revision of the user's counts.
    reads bigint NOT NULL,
    PRIMARY KEY (user_id, room)
);
