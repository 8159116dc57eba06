"""What the routes of a session's stream answer, and what is pushed about it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from gateway.contract import PushType
from modules.live.messages import Video


class StreamTrouble(StrEnum):
    """`gone`: the stream has been away for long. `starving`: it comes too slowly to play. `recovered`: it does not any
    more."""

    GONE = "gone"
    STARVING = "starving"
    RECOVERED = "recovered"


class StreamNotice(msgspec.Struct, frozen=True):
    """What a session's mentors are told about their stream."""

    session_id: str
    trouble: StreamTrouble
    at: datetime
    rev: int


STREAM: Final = PushType("live.stream", StreamNotice)


class Ingest(msgspec.Struct, frozen=True):
    """What the mentor's encoder needs. Whoever has the key can stream into the class, so show it to nobody."""

    server: str
    stream_key: str

    @classmethod
    def example(cls) -> Ingest:
        return cls("rtmps://a1b2c3d4e5f6.global-contribute.live-video.net:443/app/", "sk_us-east-1_…")


class StreamView(msgspec.Struct, frozen=True, kw_only=True):
    """The health of the stream. What the encoder sends is null until it is known.

    `starvations` counts how often the stream came too slowly.
    """

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


class ReadinessCheck(msgspec.Struct, frozen=True):
    """Whether one thing is ready for the class."""

    name: str
    ok: bool


class CheckList(msgspec.Struct, frozen=True):
    """What should be ready before a class begins. The class may begin without it."""

    checks: list[ReadinessCheck]

    @classmethod
    def example(cls) -> CheckList:
        return cls([ReadinessCheck("lobby_open", True), ReadinessCheck("video_available", True)])
