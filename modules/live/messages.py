"""Messages that clients see: requests and answers of routes, and pushes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway import clock
from gateway.contract import PushType
from gateway.principal import Principal
from gateway.text import LINE, TEXT, Texts
from modules.live.states import SessionState

Title = Annotated[str, Meta(min_length=1, max_length=200), LINE]
Summary = Annotated[str, Meta(max_length=5000), TEXT]
Name = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
UserId = Annotated[str, Meta(max_length=64)]
# The service checks each of them.
CoMentors = Annotated[list[UserId], Meta(max_length=20)]
Capacity = Annotated[int, Meta(ge=1, le=1_000_000)]
Moment = Annotated[datetime, Meta(tz=True)]

EXAMPLE = "01a2130d-48bf-7174-b972-596a06fb2346"
PROGRAM = "01a2130d-0d3c-7b1e-8d8e-5bb0c3f1f2aa"
# What `ksmp dev` has, so that an example of a request is taken there.
DEMO_PROGRAM = "demo"
STARTS = clock.example_day()
ENDS = STARTS + timedelta(hours=1)
MADE = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)


class Mode(StrEnum):
    """`broadcast`: one video for all. `interactive`: with a stage on which several are seen."""

    BROADCAST = "broadcast"
    INTERACTIVE = "interactive"


class Visibility(StrEnum):
    """`program`: for users who take part in its program. `open`: for every signed-in user."""

    PROGRAM = "program"
    OPEN = "open"


class Video(StrEnum):
    """`off` before and after the class; `unavailable` where no video is set up; `starting` until there is a channel;
    `ready` for the mentor's stream; `streaming`; `lost` when the stream is gone. The room works whatever this says."""

    OFF = "off"
    UNAVAILABLE = "unavailable"
    STARTING = "starting"
    READY = "ready"
    STREAMING = "streaming"
    LOST = "lost"


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """A live session. Without a `capacity` everybody who may join has a seat. Times are in UTC; `updated_at` is when it
    got its `rev`."""

    id: str
    program_id: str
    lesson_id: str | None
    series_id: str | None
    title: str
    summary: str
    mentor_id: str
    co_mentors: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    state: SessionState
    mode: Mode
    visibility: Visibility
    recording: bool
    capacity: int | None
    video: Video
    opened_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    rev: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def example(cls) -> SessionView:
        return cls(
            id=EXAMPLE,
            program_id=PROGRAM,
            lesson_id=None,
            series_id=None,
            title="Quadratic equations",
            summary="Bring last week's exercises.",
            mentor_id="meera",
            co_mentors=(),
            starts_at=STARTS,
            ends_at=ENDS,
            state=SessionState.SCHEDULED,
            mode=Mode.BROADCAST,
            visibility=Visibility.PROGRAM,
            recording=True,
            capacity=None,
            video=Video.OFF,
            opened_at=None,
            started_at=None,
            ended_at=None,
            rev=1,
            created_at=MADE,
            updated_at=MADE,
        )


class NewSession(Texts, frozen=True, kw_only=True):
    """Without `mentor_id` the caller is the session's mentor."""

    program_id: Name
    title: Title
    starts_at: Moment
    ends_at: Moment
    lesson_id: Name | None = None
    summary: Summary = ""
    mentor_id: Name | None = None
    co_mentors: CoMentors = msgspec.field(default_factory=list)
    mode: Mode = Mode.BROADCAST
    visibility: Visibility = Visibility.PROGRAM
    recording: bool = False
    capacity: Capacity | None = None

    @classmethod
    def example(cls) -> NewSession:
        return cls(
            program_id=DEMO_PROGRAM,
            title="Quadratic equations",
            starts_at=STARTS,
            ends_at=ENDS,
            summary="Bring last week's exercises.",
            recording=True,
        )


class SessionChange(Texts, frozen=True, kw_only=True):
    """What is left out stays."""

    title: Title | UnsetType = UNSET
    summary: Summary | UnsetType = UNSET
    lesson_id: Name | UnsetType | None = UNSET
    starts_at: Moment | UnsetType = UNSET
    ends_at: Moment | UnsetType = UNSET
    co_mentors: CoMentors | UnsetType = UNSET
    mode: Mode | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    recording: bool | UnsetType = UNSET
    capacity: Capacity | UnsetType | None = UNSET

    @classmethod
    def example(cls) -> SessionChange:
        return cls(title="Quadratic equations, part two")


class Reminder(msgspec.Struct, frozen=True):
    """A session begins in `ahead` seconds."""

    session_id: str
    title: str
    starts_at: datetime
    ahead: int
    rev: int


class Member(msgspec.Struct, frozen=True):
    """A user, as the parts of a room name them."""

    id: str
    name: str

    @classmethod
    def of(cls, principal: Principal) -> Member:
        return cls(principal.id, principal.name)


class Done(msgspec.Struct, frozen=True):
    """The ok of most commands: the revision of the part of the room after this change, or the one before when nothing
    had to change."""

    rev: int


class Nothing(msgspec.Struct, frozen=True):
    """The data of a command without data."""


SESSION: Final = PushType("live.session", SessionView)
REMINDER: Final = PushType("live.reminder", Reminder)
