"""Opens the snapshot in which the figures of one answer are read, and says how far storing has come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database
from gateway.errors import Unavailable
from modules.analytics.errors import too_slow

SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
# Hashes alone, neither loops nor merges: the planner takes few rows for what are many, since it does not know that the
# programs of facts, students and lessons belong together. A loop over them takes seconds where a hash takes
# milliseconds. Starting parallel workers and compilers takes longer than what they save. Sorts and hashes that do not
# fit into memory go to the disk.
TIMEOUT: Final = """
    SELECT set_config('statement_timeout', $1, true), set_config('enable_nestloop', 'off', true),
        set_config('enable_mergejoin', 'off', true),
        set_config('max_parallel_workers_per_gather', '0', true), set_config('jit', 'off', true),
        set_config('work_mem', '64MB', true)
"""
PROGRESS: Final = "SELECT seq, as_of, client_as_of FROM analytics_progress"
# PostgreSQL's code of a statement that was cancelled, here by its own time-out.
CANCELLED: Final = "57014"


class Progress(msgspec.Struct, frozen=True):
    """Events up to the `seq`th are stored: all facts of before `as_of`, and what clients sent before `client_as_of`."""

    seq: int
    as_of: datetime
    client_as_of: datetime


class ProgressRepository:
    """`timeout` is how long one statement may take, in seconds."""

    def __init__(self, database: Database, timeout: float) -> None:
        self._database = database
        self._timeout = f"{timeout * 1000:.0f}ms"

    async def progress(self) -> Progress:
        """Raises Unavailable."""
        (row,) = await self._database.fetch(PROGRESS)
        return Progress(row["seq"], row["as_of"], row["client_as_of"])

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Progress]:
        """All statements inside see the same facts, and change nothing. Not inside of a transaction.

        Raises BadInput `analytics.too_slow` where a statement takes too long, and Unavailable.
        """
        try:
            async with self._database.transaction():
                await self._database.fetch(SNAPSHOT)
                await self._database.fetch(TIMEOUT, self._timeout)
                yield await self.progress()
        except Unavailable as error:
            if getattr(error.__cause__, "sqlstate", None) == CANCELLED:
                raise too_slow() from error
            raise
