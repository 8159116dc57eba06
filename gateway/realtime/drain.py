"""Sending the clients of a node away, so that they come back to the others as an even stream and not as a storm."""

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
    """Over how many seconds so many clients come back when `rate` of them do each second; from `least` to `most`."""
    return min(most, max(least, count / rate))


async def send_away(members: Iterable[Member], code: CloseCode, seconds: float) -> None:
    """Close them all, each with a moment of its own to come back at, spread evenly over so many seconds.

    They wait by themselves, so it takes as long as the disconnects take to write. Other work runs between
    the slices.
    """
    leaving = [member for member in members if member.open]
    for place, member in enumerate(leaving):
        if place and place % SLICE == 0:
            await asyncio.sleep(0)
        # Evenness needs no cryptographic quality.
        member.close(code, retry=(place + random.random()) / len(leaving) * seconds)  # noqa: S311
