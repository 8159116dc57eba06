"""What live tells other modules."""

from __future__ import annotations

from datetime import datetime

import msgspec


class SessionScheduled(msgspec.Struct, frozen=True, tag="live.SessionScheduled"):
    session_id: str
    program_id: str
    mentor_id: str
    title: str
    starts_at: datetime
    ends_at: datetime


class SessionMoved(msgspec.Struct, frozen=True, tag="live.SessionMoved"):
    """A session that has not begun takes place at another time."""

    session_id: str
    program_id: str
    starts_at: datetime
    ends_at: datetime


class SessionNear(msgspec.Struct, frozen=True, tag="live.SessionNear"):
    """A reminder is due, so many seconds before the session; once for each of them."""

    session_id: str
    program_id: str
    title: str
    starts_at: datetime
    ahead: int


class SessionCancelled(msgspec.Struct, frozen=True, tag="live.SessionCancelled"):
    session_id: str
    program_id: str


class LobbyOpened(msgspec.Struct, frozen=True, tag="live.LobbyOpened"):
    session_id: str
    program_id: str


class SessionStarted(msgspec.Struct, frozen=True, tag="live.SessionStarted"):
    session_id: str
    program_id: str
    at: datetime


class SessionEnded(msgspec.Struct, frozen=True, tag="live.SessionEnded"):
    session_id: str
    program_id: str
    started_at: datetime
    at: datetime
