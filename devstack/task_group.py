"""Several steps at once, of which one may fail."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def run_all(*steps: Coroutine[Any, Any, None]) -> None:
    """Run every step at once. When one fails the others are cancelled and waited for, then its error is raised.

    An `asyncio.TaskGroup` raises an ExceptionGroup. Callers here print one sentence, so they get the first error.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(step)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
