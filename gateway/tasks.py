"""Background tasks: done again and again, and ended reliably."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import structlog

from gateway.errors import Unavailable

log = structlog.get_logger(__name__)


async def repeat(name: str, work: Callable[[], Awaitable[object]], interval: float, *, at_once: bool = True) -> None:
    """Do it every so many seconds, until cancelled; the first time now, or after the first interval.

    What fails is logged as `<name>.waits` or `<name>.failed`, and done again the next time.
    """
    if not at_once:
        await asyncio.sleep(interval)
    while True:
        try:
            await work()
        except Unavailable as error:
            log.info(f"{name}.waits", reason=error.message)
        except Exception:
            log.exception(f"{name}.failed")
        await asyncio.sleep(interval)


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks until they are done; their errors are ignored.

    Once is not enough: `asyncio.wait_for` of Python 3.11, which nats-py uses, loses a cancellation that comes
    together with the answer it waits for.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=0.1)
