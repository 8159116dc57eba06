"""Bounded waits on the outside world."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from devstack import process_table


async def until(condition: Callable[[], object], seconds: float = 10.0, what: str = "the condition") -> float:
    """Wait until the condition holds; returns the seconds it took and fails when it takes too long."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, f"{what} did not come within {seconds} s"
        await asyncio.sleep(0.02)
    return time.monotonic() - begun


async def gone(pids: Iterable[int], seconds: float = 5.0) -> float:
    """Wait until none of these processes runs any more. Ids are not reused that fast."""
    remaining = set(pids)
    return await until(
        lambda: not [pid for pid in remaining if process_table.identity(pid)],
        seconds,
        f"the end of {sorted(remaining)}",
    )
