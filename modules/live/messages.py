"""What the routes take and answer, and what is pushed."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from modules.live.states import State

NO_NUL = r"^[^\x00]*$"
Title = Annotated[str, Meta(min_length=1, max_length=200, pattern=NO_NUL)]
Summary = Annotated[str, Meta(max_length=5000, pattern=NO_NUL)]
Name = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
# Ids of users, which the service checks.
CoMentors = Annotated[list[str], Meta(max_length=20)]
Capacity = Annotated[int, Meta(ge=1, le=1_000_000)]
Moment = Annotated[datetime, Meta(tz=True)]

EXAMPLE = "01a2130d-48bf-7174-b972-596a06fb2346"
PROGRAM = "01a2130d-0d3c-7b1e-8d8e-5bb0c3f1f2aa"
STARTS = datetime(2026, 2, 2, 12, 30, tzinfo=UTC)
ENDS = datetime(2026, 2, 2, 13, 30, tzinfo=UTC)
MADE = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)


class Mode(StrEnum):
    """`broadcast`: one video for all. `interactive`: a stage on which several are seen."""

    BROADCAST = "broadcast"
    INTERACTIVE = "interactive"


class Visibility(StrEnum):
    """`program`: for those of its program. `open`: for every signed-in user."""

    PROGRAM = "program"
    OPEN = "open"


class Video(StrEnum):
    """`off` before and after; `unavailable` without a set-up for video; `starting` until there is a channel; `ready`
    for the mentor's stream; `streaming`; `lost` when the stream has gone. The room is open whatever this says."""

    OFF = "off"
    UNAVAILABLE = "unavailable"
    STARTING = "starting"
    READY = "ready"
    STREAMING = "streaming"
    LOST = "lost"


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """A live session. Without `capacity` all who may come have a place; times are in UTC."""

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
    state: State
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
            state=State.SCHEDULED,
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
        )


class NewSession(msgspec.Struct, frozen=True, kw_only=True):
    """Without `mentor_id` the session is the caller's."""

    program_id: Name
    title: Title
    starts_at: Moment
    ends_at: Moment
    lesson_id: Name | None = None
    summary: Summary = ""
    mentor_id: Name | None = None
    co_mentors: CoMentors = []
    mode: Mode = Mode.BROADCAST
    visibility: Visibility = Visibility.PROGRAM
    recording: bool = False
    capacity: Capacity | None = None

    @classmethod
    def example(cls) -> NewSession:
        return cls(
            program_id=PROGRAM,
            title="Quadratic equations",
            starts_at=STARTS,
            ends_at=ENDS,
            summary="Bring last week's exercises.",
            recording=True,
        )


class SessionChange(msgspec.Struct, frozen=True, kw_only=True):
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


Rule = Annotated[str, Meta(min_length=1, max_length=500, pattern="^[ -~]*$")]
Timezone = Annotated[str, Meta(pattern="^[A-Za-z0-9_+/-]{1,64}$", description="Of the IANA database")]


class NewSeries(NewSession, frozen=True, kw_only=True):
    """A first session, and the rule (RFC 5545) by which others follow it at the same time of a place's clock."""

    rule: Rule
    timezone: Timezone

    @classmethod
    def example(cls) -> NewSeries:
        first = NewSession.example()
        values = {name: getattr(first, name) for name in NewSession.__struct_fields__}
        return cls(**values, rule="FREQ=WEEKLY;BYDAY=MO,TH;COUNT=12", timezone="Asia/Kolkata")


class SeriesChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is left out stays. `starts_at` and `ends_at` are those of the first occurrence that is still to come; the
    others follow it by the rule, also by one that is given anew."""

    starts_at: Moment | UnsetType = UNSET
    ends_at: Moment | UnsetType = UNSET
    rule: Rule | UnsetType = UNSET
    timezone: Timezone | UnsetType = UNSET
    title: Title | UnsetType = UNSET
    summary: Summary | UnsetType = UNSET
    co_mentors: CoMentors | UnsetType = UNSET
    mode: Mode | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    recording: bool | UnsetType = UNSET
    capacity: Capacity | UnsetType | None = UNSET

    @classmethod
    def example(cls) -> SeriesChange:
        return cls(recording=True)


class SeriesView(msgspec.Struct, frozen=True, kw_only=True):
    """A series; its sessions are listed by `GET /sessions?series=`."""

    id: str
    program_id: str
    mentor_id: str
    title: str
    rule: str
    timezone: str
    sessions: int
    rev: int
    created_at: datetime

    @classmethod
    def example(cls) -> SeriesView:
        return cls(
            id=EXAMPLE,
            program_id=PROGRAM,
            mentor_id="meera",
            title="Quadratic equations",
            rule="FREQ=WEEKLY;BYDAY=MO,TH;COUNT=12",
            timezone="Asia/Kolkata",
            sessions=12,
            rev=1,
            created_at=MADE,
        )


class CalendarAddress(msgspec.Struct, frozen=True):
    """Shown once: whoever knows it sees your sessions."""

    url: str

    @classmethod
    def example(cls) -> CalendarAddress:
        return cls("https://ksmp.example/api/v1/calendars/Wm3q0x….ics")


class StreamTrouble(StrEnum):
    """`gone`: the stream has been away for long. `starving`: it comes too slowly to play. `recovered`: not any more."""

    GONE = "gone"
    STARVING = "starving"
    RECOVERED = "recovered"


class StreamNotice(msgspec.Struct, frozen=True):
    """What a session's mentors are told about their stream."""

    session_id: str
    trouble: StreamTrouble
    at: datetime
    rev: int


class Ingest(msgspec.Struct, frozen=True):
    """What the mentor's encoder needs. Whoever has the key can stream into the class: show it to nobody."""

    server: str
    stream_key: str

    @classmethod
    def example(cls) -> Ingest:
        return cls("rtmps://a1b2c3d4e5f6.global-contribute.live-video.net:443/app/", "sk_us-east-1_…")


class StreamView(msgspec.Struct, frozen=True, kw_only=True):
    """How the stream does. What the encoder sends is null until it is known; `starvations` counts the times at which it
    came too slowly."""

    video: Video
    stream_id: str | None = None
    health: str | None = None
    viewers: int | None = None
    width: int | None = None
    height: int | None = None
    frame_rate: int | None = None
    bitrate: int | None = None
    starvations: int = 0

    @classmethod
    def example(cls) -> StreamView:
        return cls(
            video=Video.STREAMING,
            stream_id="st-1Fj0…",
            health="HEALTHY",
            viewers=412,
            width=1920,
            height=1080,
            frame_rate=30,
            bitrate=6_000_000,
        )


class Check(msgspec.Struct, frozen=True):
    """A thing that should be so before a class begins."""

    name: str
    ok: bool


class CheckList(msgspec.Struct, frozen=True):
    """What should be so before a class begins; it may begin without."""

    checks: list[Check]

    @classmethod
    def example(cls) -> CheckList:
        return cls([Check("lobby_open", True), Check("video_available", True)])


class RecordingNotice(msgspec.Struct, frozen=True):
    """A recording is ready."""

    id: str
    session_id: str
    duration_ms: int
    started_at: datetime
    rev: int


class RecordingRemoval(msgspec.Struct, frozen=True):
    """A recording is gone, for good."""

    id: str
    session_id: str
    rev: int


class RecordingView(msgspec.Struct, frozen=True):
    """A recording of a session; `thumbnail_url` is good for some minutes."""

    id: str
    duration_ms: int
    started_at: datetime
    thumbnail_url: str | None


class RecordingList(msgspec.Struct, frozen=True):
    """The recordings of a session, in their order."""

    items: list[RecordingView]

    @classmethod
    def example(cls) -> RecordingList:
        return cls([RecordingView("Xw3…", 3_540_000, STARTS, "https://bucket.s3.amazonaws.com/…")])


class Replay(msgspec.Struct, frozen=True):
    """Where to watch a recording: for whoever has the URL, until it expires or you may see the recording no more."""

    url: str
    expires_at: datetime

    @classmethod
    def example(cls) -> Replay:
        url = f"https://ksmp.example/api/v1/sessions/{EXAMPLE}/recordings/j8Z9O91ndcVs/playlist.m3u8?token=eyJ…"
        return cls(url, ENDS)
