"""The bars on what entering a class costs, and whether they are met."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec


class Bar(msgspec.Struct, frozen=True):
    """The most that a figure may be. `binding` bars fail the run: they are what students feel."""

    figure: str
    title: str
    most: float
    binding: bool = False


BARS: Final = (
    Bar("enter", "connect + join, server CPU µs", 600),
    Bar("enter_ratio", "connect + join, × Socket.IO", 1.2),
    Bar("post", "POST …/join, server CPU µs", 1200),
    Bar("snapshot", "live.snapshot, server CPU µs", 1000),
    Bar("entry", "a whole entry in a class start, server CPU µs", 3000),
    Bar("back", "a reconnect with positions, server CPU µs", 1000),
    Bar("memory", "growth of memory by connect + join, KiB each", 12),
    Bar("me", "GET /auth/me, server CPU µs", 250),
    Bar("start_refused", "class start: refused", 0, binding=True),
    Bar("start_p95", "class start: entry p95 ms", 1000, binding=True),
    Bar("start_chat_p99", "class start: chat p99 ms", 100, binding=True),
)


def table(figures: Mapping[str, float]) -> Iterator[str]:
    """A line for each bar that was measured."""
    yield f"{'':52}{'figure':>10}{'bar':>10}"
    for bar in BARS:
        if (value := figures.get(bar.figure)) is not None:
            met = "met" if value <= bar.most else "NOT MET"
            digits = 2 if bar.most < 10 and bar.most else 0
            yield f"{bar.title:52}{value:10.{digits}f}{bar.most:10g}  {met}"


def missed(figures: Mapping[str, float]) -> list[str]:
    """The titles of binding bars that are not met."""
    return [bar.title for bar in BARS if bar.binding and figures.get(bar.figure, 0.0) > bar.most]
