"""The snapshot of a session's room."""
