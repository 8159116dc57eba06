"""The rows that say until when the dates of assignments were acted upon: every statement, and what it gives."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database

FIND: Final = "SELECT told_until, reminders FROM assignments_agenda WHERE assignment_id = $1"
BEGIN: Final = """
    INSERT INTO assignments_agenda (assignment_id, told_until) VALUES ($1, $2)
    ON CONFLICT (assignment_id) DO UPDATE SET told_until = $2
"""
TOLD: Final = "UPDATE assignments_agenda SET told_until = $2, reminders = reminders + $3 WHERE assignment_id = $1"


class Agenda(msgspec.Struct, frozen=True):
    told_until: datetime
    reminders: int


class AgendaRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock(self, assignment_id: str) -> Agenda | None:
        """Nobody else sets the timer of the assignment until the transaction ends; None when it was never published."""
        return await self._one(f"{FIND} FOR UPDATE", assignment_id)

    async def lock_unless_locked(self, assignment_id: str) -> Agenda | None:
        """As `lock`; None also when it is locked elsewhere."""
        return await self._one(f"{FIND} FOR UPDATE SKIP LOCKED", assignment_id)

    async def exists(self, assignment_id: str) -> bool:
        return await self._one(FIND, assignment_id) is not None

    async def begin(self, assignment_id: str, at: datetime) -> None:
        """All before this moment needs no action any more."""
        await self._database.fetch(BEGIN, assignment_id, at)

    async def told(self, assignment_id: str, until: datetime, *, reminded: bool) -> None:
        await self._database.fetch(TOLD, assignment_id, until, int(reminded))

    async def _one(self, statement: str, assignment_id: str) -> Agenda | None:
        for row in await self._database.fetch(statement, assignment_id):
            return msgspec.convert(row, Agenda)
        return None
