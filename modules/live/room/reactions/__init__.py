"""Reactions of a session's room."""
