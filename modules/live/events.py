"""The events that live publishes for other modules."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

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
    """A session that has not begun got another time."""

    session_id: str
    program_id: str
    starts_at: datetime
    ends_at: datetime


class SessionNear(msgspec.Struct, frozen=True, tag="live.SessionNear"):
    """A reminder is due, `ahead` seconds before the session. There is one event for each reminder."""

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
    """How many users gave stars. `spread` is how many gave one, two, three, four and five; it is null while a few users
    could be recognised by it."""

    count: int = 0
    spread: list[int] | None = None


class StreamFigures(msgspec.Struct, frozen=True):
    """How a session's stream did: how often it was lost, for how long, and how often it came too slowly to play."""

    losses: int = 0
    lost_seconds: int = 0
    starvations: int = 0


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """A session in numbers. Hosts are not counted as viewers.

    `present` viewers were there for `KSMP_LIVE_ATTENDANCE_SHARE` of the session. `absent` students have a place in the
    program and did not come. `viewer_seconds` is the time of all viewers together, `peak_viewers` the most at once.
    `messages` are those in the chat that nobody deleted, `questions` those that were not dismissed, `hands` the users
    who raised a hand, `polls` those that were opened. `stream` is null for a session without video. Most stars come
    later: see `SessionRated`.
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
    """A session is over, and every gateway has reported who was there. `at` is the end, some seconds ago."""

    session_id: str
    program_id: str
    started_at: datetime
    at: datetime
    figures: Figures = Figures()


class SessionRated(msgspec.Struct, frozen=True, tag="live.SessionRated"):
    """The stars of this session are final."""

    session_id: str
    program_id: str
    stars: StarFigures


Attended = Literal["present", "late", "partial", "absent", "guest", "host"]


class Attendee(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One user in a class that is over.

    Of those with a place in the program, `present` and `late` were there for `KSMP_LIVE_ATTENDANCE_SHARE` of the class,
    `partial` for less, and `absent` did not come. `guest` was there without a place, `host` as a host.
    `spans` are the times in the class, from and to in milliseconds after its start; they come to `seconds`.
    `messages` were said and not deleted. `questions` are those that were not anonymous and not dismissed, `votes` the
    polls in which the user voted by name. `hand` says whether the user raised a hand.
    """

    user_id: str
    state: Attended
    seconds: int = 0
    spans: tuple[tuple[int, int], ...] = ()
    messages: int = 0
    questions: int = 0
    votes: int = 0
    hand: bool = False


class PollTaken(msgspec.Struct, frozen=True):
    """How many voted in a poll."""

    poll_id: str
    opened_at: datetime
    anonymous: bool
    voters: int


class Said(msgspec.Struct, frozen=True):
    """How much was said in a class in 15 minutes from `at` on, or in what of them belongs to the class.

    `poll` are polls that were opened; how many voted is in `PollTaken`.
    """

    kind: Literal["message", "question", "hand", "poll"]
    at: datetime
    count: int


class AttendanceRecorded(msgspec.Struct, frozen=True, kw_only=True, tag="live.AttendanceRecorded"):
    """Who was in a class, for how long, and what they did there; with `SessionEnded`, in one event or in several parts.

    `at` is the end of the class. `said` and `polls` are of the whole class and stand in the first part.
    """

    session_id: str
    program_id: str
    started_at: datetime
    at: datetime
    part: int
    attendees: tuple[Attendee, ...]
    said: tuple[Said, ...] = ()
    polls: tuple[PollTaken, ...] = ()


class StarsGiven(msgspec.Struct, frozen=True, kw_only=True, tag="live.StarsGiven"):
    """Somebody gave a session stars, or others than `before`. `at` is the end of the session: nobody says who or when.

    `change_id` is of the stars when they are first given, and otherwise of the change.
    """

    session_id: str
    program_id: str
    at: datetime
    change_id: str
    stars: int
    before: int | None = None


class RecordingReady(msgspec.Struct, frozen=True, tag="live.RecordingReady"):
    """A recording of a session can be watched."""

    session_id: str
    program_id: str
    recording_id: str
    duration_ms: int


class RecordingGone(msgspec.Struct, frozen=True, tag="live.RecordingGone"):
    """A recording was deleted, by a host or because `KSMP_LIVE_RECORDING_KEPT` is over."""

    session_id: str
    program_id: str
    recording_id: str


class PollOpened(msgspec.Struct, frozen=True, tag="live.PollOpened"):
    """A poll was opened."""

    session_id: str
    poll_id: str
    question: str


class ViewerRemoved(msgspec.Struct, frozen=True, tag="live.ViewerRemoved"):
    """A user was removed from a session: their playback and their part on its stage have to end."""

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
    AttendanceRecorded,
    StarsGiven,
    RecordingReady,
    RecordingGone,
    PollOpened,
    ViewerRemoved,
)
