"""Sends the clients of a node away, with reconnects spread evenly over time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from typing import Final

from gateway.errors import CloseCode
from gateway.realtime.member import Member

# Disconnecting a client takes about 0.3 ms with all that follows. A slice holds the loop for well under 20 ms.
SLICE: Final = 50


def window(count: int, *, rate: float, least: float, most: float) -> float:
    """The seconds over which `count` clients reconnect at `rate` a second, at least `least` and at most `most`."""
    return min(most, max(least, count / rate))


async def send_away(members: Iterable[Member], code: CloseCode, seconds: float) -> None:
    """Close all members. Each is given a time to reconnect; the times lie evenly over so many seconds.

    The clients wait by themselves, so this call takes only as long as the disconnects take to write. It works in
    slices, and other work runs between them.
    """
    leaving = [member for member in members if member.open]
    for place, member in enumerate(leaving):
        if place and place % SLICE == 0:
            await asyncio.sleep(0)
        # Evenness needs no cryptographic quality.
        member.close(code, retry=(place + random.random()) / len(leaving) * seconds)  # noqa: S311
