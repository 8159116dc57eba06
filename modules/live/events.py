"""What live tells other modules."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec


class SessionScheduled(msgspec.Struct, frozen=True, tag="live.SessionScheduled"):
    """A session was planned."""

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
    """A session that had not begun does not take place."""

    session_id: str
    program_id: str


class LobbyOpened(msgspec.Struct, frozen=True, tag="live.LobbyOpened"):
    """The room of a session can be joined; the class has not begun."""

    session_id: str
    program_id: str


class SessionStarted(msgspec.Struct, frozen=True, tag="live.SessionStarted"):
    """The class has begun."""

    session_id: str
    program_id: str
    at: datetime


class StarFigures(msgspec.Struct, frozen=True):
    """How many gave stars; how many one, two, three, four, five, unless they are too few to stay unknown."""

    count: int = 0
    spread: list[int] | None = None


class StreamFigures(msgspec.Struct, frozen=True):
    """How a session's stream did: the times it was lost or came too slowly to play, and for how long it was lost."""

    losses: int = 0
    lost_seconds: int = 0
    starvations: int = 0


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """A session in numbers, its viewers without hosts.

    `present` were there for the share that counts, `absent` have a place in the program and did not come.
    `viewer_seconds` is their time together, `peak_viewers` the most at once. `messages` are those in its chat that
    nobody deleted, `questions` those that were not dismissed, `hands` the users who raised theirs, `polls` those that
    were opened. `stream` is null for a session without a video of ours. Most stars come afterwards: see `SessionRated`.
    """

    seconds: int = 0
    viewers: int = 0
    present: int = 0
    late: int = 0
    absent: int = 0
    viewer_seconds: int = 0
    peak_viewers: int = 0
    hosts: int = 0
    messages: int = 0
    questions: int = 0
    polls: int = 0
    hands: int = 0
    stream: StreamFigures | None = None
    stars: StarFigures = StarFigures()


class SessionEnded(msgspec.Struct, frozen=True, tag="live.SessionEnded"):
    """Told when every gateway has said who was there: some seconds after the end, which `at` is."""

    session_id: str
    program_id: str
    started_at: datetime
    at: datetime
    figures: Figures = Figures()


class SessionRated(msgspec.Struct, frozen=True, tag="live.SessionRated"):
    """No stars are given to this session any more, and none change."""

    session_id: str
    program_id: str
    stars: StarFigures


class RecordingReady(msgspec.Struct, frozen=True, tag="live.RecordingReady"):
    """What was recorded of a session can be watched."""

    session_id: str
    program_id: str
    recording_id: str
    duration_ms: int


class RecordingGone(msgspec.Struct, frozen=True, tag="live.RecordingGone"):
    """A recording was deleted, or was kept for as long as it is."""

    session_id: str
    program_id: str
    recording_id: str


class PollOpened(msgspec.Struct, frozen=True, tag="live.PollOpened"):
    """A poll can be voted in."""

    session_id: str
    poll_id: str
    question: str


class ViewerRemoved(msgspec.Struct, frozen=True, tag="live.ViewerRemoved"):
    """A user was taken out of a session, and may see no more of it."""

    session_id: str
    user_id: str


EVENTS: Final = (
    SessionScheduled,
    SessionMoved,
    SessionNear,
    SessionCancelled,
    LobbyOpened,
    SessionStarted,
    SessionEnded,
    SessionRated,
    RecordingReady,
    RecordingGone,
    PollOpened,
    ViewerRemoved,
)
