"""Low-latency streaming: channels, stream keys, streams, recording, private playback."""
