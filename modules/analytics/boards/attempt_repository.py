"""Lets one statement of a transaction fail without the others, as one widget of a board may."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from gateway.contract import Database
from gateway.errors import KsmpError, Unavailable
from modules.analytics.errors import too_slow
from modules.analytics.measures.progress_repository import CANCELLED

BEGIN: Final = "SAVEPOINT analytics_widget"
END: Final = "RELEASE SAVEPOINT analytics_widget"
UNDO: Final = "ROLLBACK TO SAVEPOINT analytics_widget"


class AttemptRepository:
    """Works inside of a transaction alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """What fails inside leaves the transaction as it was before.

        Raises what is raised inside, and BadInput `analytics.too_slow` for a statement that took too long.
        """
        await self._database.fetch(BEGIN)
        try:
            yield
        except Unavailable as error:
            if getattr(error.__cause__, "sqlstate", None) != CANCELLED:
                raise
            await self._database.fetch(UNDO)
            raise too_slow() from error
        except KsmpError:
            await self._database.fetch(UNDO)
            raise
        await self._database.fetch(END)
