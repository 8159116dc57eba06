"""What the routes of a session's stream answer, and what is pushed about it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from modules.live.messages import (
    Video,
)


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
