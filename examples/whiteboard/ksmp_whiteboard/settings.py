"""The settings of whiteboard, `KSMP_WHITEBOARD_*`."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import setting


@dataclass(frozen=True, kw_only=True)
class WhiteboardSettings:
    strokes: int = setting(50, doc="Most strokes on a board; the oldest goes first")
    idle_seconds: float = setting(3600.0, doc="A board that nobody draws on for so long is wiped")
