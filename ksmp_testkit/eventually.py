"""Waiting for a condition, never for a time."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any


async def eventually(condition: Callable[[], Any], what: str = "the condition holds", timeout: float = 15.0) -> None:
    """Wait until the condition, which may be a coroutine function, gives something true.

    Raises AssertionError, which says what was waited for, after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        found = condition()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return
        if time.monotonic() >= deadline:
            raise AssertionError(f"never: {what}")
        await asyncio.sleep(0.02)
