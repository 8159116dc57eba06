"""What hosts are pushed of a class that goes on."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.contract import PushType


class Watch(msgspec.Struct, frozen=True):
    """The command has no data."""


class CurveFigures(msgspec.Struct, frozen=True):
    """The most viewers at once of every `step_seconds`, from `started_at` (milliseconds since the Unix epoch) on."""

    started_at: int | None
    step_seconds: int
    viewers: tuple[int, ...]


class PollFigures(msgspec.Struct, frozen=True):
    """The latest poll: `voters` of the `viewers` who were there while it was open. `share` is between 0 and 1."""

    id: str
    open: bool
    voters: int
    viewers: int
    share: float | None


class StreamFigures(msgspec.Struct, frozen=True):
    """How the stream does: what the session's `video` says, and troubles of the class so far."""

    video: str
    starving: bool
    losses: int
    starvations: int
    lost_seconds: int


class ClassFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A class at this moment, `at` in milliseconds since the Unix epoch. The page defines each figure."""

    session_id: str
    at: int
    state: str
    viewers: int
    hosts: int
    curve: CurveFigures
    messages_a_minute: int
    hands_up: int
    hands_raised: int
    questions_open: int
    questions_asked: int
    poll: PollFigures | None
    stream: StreamFigures | None


class Watching(msgspec.Struct, frozen=True):
    """The figures now. The next ones come as pushes in `room`, every `interval` seconds, as long as it has members."""

    room: str
    interval: float
    figures: ClassFigures


FIGURES: Final = PushType("analytics.figures", ClassFigures)
