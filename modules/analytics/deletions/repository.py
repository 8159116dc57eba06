"""The rows of deletions: every statement, and what it gives."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from gateway.identifier import new_id
from modules.analytics.deletions.messages import DeletionView
from modules.analytics.deletions.states import EVENTS, DeletionState, Reason
from modules.analytics.deletions.tables import DeletionRow

COLUMNS: Final = ", ".join(DeletionView.__struct_fields__)
NEWEST: Final = Sort("newest", (DeletionRow.id,), descending=True)

# A user without a subject has no events.
OF_EVENTS: Final = """
    INSERT INTO analytics_deletion (id, place, pseudonym, reason, state, due_at, created_at)
    SELECT $1, $2, subject, $4, 'waiting', $5, $5 FROM analytics_subject WHERE user_id = $3
"""
# The sinks that there were, also those that are off now: their deletions wait for them.
SINKS: Final = "SELECT name FROM analytics_sink ORDER BY name"
ADD: Final = """
    INSERT INTO analytics_deletion (id, place, pseudonym, reason, state, due_at, created_at)
    VALUES ($1, $2, $3, $4, 'waiting', $5, $5)
"""
# Whose the subject is, nobody knows any more.
DROP_SUBJECT: Final = "DELETE FROM analytics_subject WHERE user_id = $1"


class DeletionRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_events(self, user_id: str, reason: Reason, now: datetime) -> None:
        await self._database.fetch(OF_EVENTS, new_id(), EVENTS, user_id, reason.value, now)

    async def add(self, place: str, pseudonym: UUID, reason: Reason, now: datetime) -> None:
        await self._database.fetch(ADD, new_id(), place, pseudonym, reason.value, now)

    async def drop_subject(self, user_id: str) -> None:
        await self._database.fetch(DROP_SUBJECT, user_id)

    async def sinks(self) -> list[str]:
        return [row["name"] for row in await self._database.fetch(SINKS)]

    async def page(self, state: DeletionState | None, place: str | None, span: Span) -> Page[DeletionView]:
        columns = [getattr(DeletionRow, name) for name in DeletionView.__struct_fields__]
        query = DeletionRow.select(*columns)
        if state is not None:
            query = query.where(DeletionRow.state == state.value)
        if place is not None:
            query = query.where(DeletionRow.place == place)
        with self._database.guard():
            return await page_of(query, NEWEST, span, DeletionView)
