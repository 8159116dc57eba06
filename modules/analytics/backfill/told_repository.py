"""Which facts of a backfill are of something that facts tell of already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from gateway.contract import Database
from modules.analytics.store.event import Event

# The place of the time in an id.
TIME: Final = 80
# Ids of the millisecond of each fact. What has neither a user nor a key is told apart by its id alone.
TOLD: Final = """
    SELECT place FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
        WITH ORDINALITY AS fact (first, following, name, user_id, program_id, session_id, key, place)
    LEFT JOIN analytics_subject AS known USING (user_id)
    WHERE (fact.user_id <> '' OR fact.key <> '') AND EXISTS (
        SELECT FROM analytics_event AS event
        WHERE event.id >= fact.first AND event.id < fact.following
            AND (event.name, event.program_id, event.session_id, event.key)
                = (fact.name, fact.program_id, fact.session_id, fact.key)
            AND event.subject IS NOT DISTINCT FROM known.subject
    )
"""


class ToldRepository:
    """Raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def untold(self, facts: Sequence[Event]) -> list[Event]:
        """Those of these facts that no stored fact tells of, with this label or another one."""
        times = [fact.id.int >> TIME for fact in facts]
        rows = await self._database.fetch(
            TOLD,
            [UUID(int=ms << TIME) for ms in times],
            [UUID(int=ms + 1 << TIME) for ms in times],
            *(
                [getattr(fact, name) for fact in facts]
                for name in ("name", "user_id", "program_id", "session_id", "key")
            ),
        )
        told = {row["place"] for row in rows}
        return [fact for place, fact in enumerate(facts, 1) if place not in told]
