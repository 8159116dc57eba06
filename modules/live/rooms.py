"""The names of a session's rooms. The room of a user is `accounts.facade.user_room`."""

from __future__ import annotations


def session_room(session_id: str) -> str:
    """The class itself: its viewers and its hosts."""
    return f"session:{session_id}"


def staff_room(session_id: str) -> str:
    """What only the session's hosts and co-hosts may see goes there."""
    return f"staff:{session_id}"


def lobby_room(session_id: str) -> str:
    """Where viewers wait to be admitted."""
    return f"lobby:{session_id}"


def rooms_of(session_id: str) -> tuple[str, str, str]:
    """All rooms of a session."""
    return (session_room(session_id), staff_room(session_id), lobby_room(session_id))
