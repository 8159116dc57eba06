"""Takes back the places of a user who is deleted, while it is still known which facts are theirs.

The module of programs tells of lost places too, but when that is stored the user has no subject any more. Without this
they would count for good as a student who has a place and completes nothing.
"""

from __future__ import annotations

from typing import Final

from gateway import clock
from gateway.contract import Database
from modules.analytics.facade import Fact
from modules.analytics.store.event import Event, Source
from modules.analytics.store.writer import EventWriter

ENROLLED: Final = "programs.enrolled"
PLACES: Final = """
    SELECT program_id FROM analytics_register
    WHERE name = $2 AND label = 'enrolled' AND subject = (SELECT subject FROM analytics_subject WHERE user_id = $1)
    ORDER BY program_id
"""


class Places:
    """Raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database, writer: EventWriter) -> None:
        self._database = database
        self._writer = writer

    async def give_back(self, user: str) -> None:
        """Call it in the transaction that deletes the user, before their subject is dropped."""
        now = clock.now()
        lost = [
            Fact(name=ENROLLED, at=now, user_id=user, program_id=program, key=program, label="cancelled")
            for row in await self._database.fetch(PLACES, user, ENROLLED)
            if (program := row["program_id"])
        ]
        if lost:
            await self._writer.write([Event.of(fact) for fact in lost], Source.FACTS)
