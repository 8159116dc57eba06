"""Recordings of sessions: their list, playback from a private bucket, and retention."""
