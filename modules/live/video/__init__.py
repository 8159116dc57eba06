"""The video of sessions: channels, streams and stages of IVS."""
