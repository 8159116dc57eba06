"""A session's row, as its snapshot shows it."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.contract import Database
from modules.live.messages import SessionView

SESSION: Final = "SELECT * FROM live_session WHERE id = $1"


class SnapshotRepository:
    """Each call raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def session(self, id: str) -> SessionView | None:
        for row in await self._database.fetch(SESSION, id):
            return msgspec.convert(row, SessionView)
        return None
