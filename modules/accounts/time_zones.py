"""The names of time zones that a profile may have."""

from __future__ import annotations

import asyncio
import zoneinfo


class TimeZones:
    """The IANA time zone database of this machine.

    The names are read at first use, in a thread, because they are hundreds of files.
    """

    def __init__(self) -> None:
        self._names: frozenset[str] = frozenset()
        self._reading = asyncio.Lock()

    async def has(self, name: str) -> bool:
        async with self._reading:
            if not self._names:
                self._names = frozenset(await asyncio.to_thread(zoneinfo.available_timezones))
        return name in self._names
