"""The names of a session's rooms."""

from __future__ import annotations


def session_room(session: str) -> str:
    return f"session:{session}"


def staff_room(session: str) -> str:
    """What only the session's hosts may see goes there."""
    return f"staff:{session}"


def lobby_room(session: str) -> str:
    """Where viewers wait."""
    return f"lobby:{session}"


def user_room(user: str) -> str:
    return f"user:{user}"
