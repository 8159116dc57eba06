-- What a token of the stage names beside it: the public key by which IVS verifies it, and where players connect.
ALTER TABLE live_video
    ADD COLUMN stage_key_arn text,
    ADD COLUMN stage_events_url text,
    ADD COLUMN stage_whip_url text;
