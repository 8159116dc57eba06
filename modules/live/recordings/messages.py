"""What the routes of recordings answer, and what is pushed about recordings."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import PushType
from modules.live.messages import ENDS, EXAMPLE, STARTS


class RecordingNotice(msgspec.Struct, frozen=True):
    """A recording is ready."""

    id: str
    session_id: str
    duration_ms: int
    started_at: datetime
    rev: int


RECORDING: Final = PushType("live.recording", RecordingNotice)


class RecordingRemoval(msgspec.Struct, frozen=True):
    """A recording is gone, for good."""

    id: str
    session_id: str
    rev: int


RECORDING_GONE: Final = PushType("live.recording_gone", RecordingRemoval)


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
    """Where to watch a recording. It is good for whoever has the URL, until it expires or you may not see the
    recording any more."""

    url: str
    expires_at: datetime

    @classmethod
    def example(cls) -> Replay:
        url = f"https://ksmp.example/api/v1/sessions/{EXAMPLE}/recordings/j8Z9O91ndcVs/playlist.m3u8?token=eyJ…"
        return cls(url, ENDS)
