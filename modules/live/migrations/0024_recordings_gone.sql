ALTER TABLE live_recording
    -- Below the prefix.
    ADD COLUMN playlist text NOT NULL DEFAULT 'media/hls/master.m3u8',
    -- Since when it is shown to nobody. The row stays, so that it is not found in its bucket again.
    ADD COLUMN deleted_at timestamptz,
    -- Until when a gateway that deletes its objects has it to itself, and when there were none any more.
    ADD COLUMN claimed_until timestamptz,
    ADD COLUMN erased_at timestamptz;
CREATE INDEX live_recording_kept ON live_recording (started_at) WHERE deleted_at IS NULL;
CREATE INDEX live_recording_unerased ON live_recording (deleted_at) WHERE deleted_at IS NOT NULL AND erased_at IS NULL;
