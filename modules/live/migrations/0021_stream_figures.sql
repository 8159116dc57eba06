-- How the stream did over the whole session: the times it was lost or came too slowly, and for how long it was lost.
ALTER TABLE live_video
    ADD COLUMN losses integer NOT NULL DEFAULT 0,
    ADD COLUMN starvations integer NOT NULL DEFAULT 0,
    ADD COLUMN lost_seconds double precision NOT NULL DEFAULT 0;
