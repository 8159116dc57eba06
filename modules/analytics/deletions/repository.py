"""The rows of deletions: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

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
DUE: Final = """
    SELECT id, pseudonym, state, task, attempts, created_at FROM analytics_deletion
    WHERE place = $1 AND state IN ('waiting', 'asked') AND due_at <= $2 ORDER BY due_at, id LIMIT $3
"""
# Under the lock of one of them, so that two gateways do not do the same.
TAKE: Final = f"{DUE} FOR NO KEY UPDATE SKIP LOCKED"
ASKED: Final = """
    UPDATE analytics_deletion SET state = 'asked', task = $2, attempts = attempts + 1, fault = '', due_at = $3
    WHERE id = ANY($1)
"""
WAIT: Final = "UPDATE analytics_deletion SET due_at = $2 WHERE id = ANY($1)"
DONE: Final = """
    UPDATE analytics_deletion SET state = 'done', fault = '', finished_at = $2 WHERE id = ANY($1) AND state <> 'done'
"""
AGAIN: Final = """
    UPDATE analytics_deletion SET
        state = 'waiting', task = '', fault = $2, due_at = $3,
        -- One that was asked for was counted then.
        attempts = attempts + CASE WHEN state = 'waiting' THEN 1 ELSE 0 END
    WHERE id = ANY($1)
"""
GIVE_UP: Final = """
    UPDATE analytics_deletion SET state = 'failed', finished_at = $3
    WHERE id = ANY($1) AND state = 'waiting' AND attempts >= $2 RETURNING id
"""
RETRY: Final = f"""
    UPDATE analytics_deletion SET state = 'waiting', attempts = 0, due_at = $2, finished_at = NULL
    WHERE id = $1 AND state = 'failed' RETURNING {COLUMNS}
"""  # noqa: S608
FIND: Final = f"SELECT {COLUMNS} FROM analytics_deletion WHERE id = $1"  # noqa: S608


class DueDeletion(msgspec.Struct, frozen=True):
    id: UUID
    pseudonym: UUID
    state: DeletionState
    task: str
    attempts: int
    created_at: datetime


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

    async def due(self, place: str, now: datetime, most: int) -> list[DueDeletion]:
        """What is to be done at a place. Only one gateway at a time may ask: the one that has the sink."""
        return [msgspec.convert(dict(row), DueDeletion) for row in await self._database.fetch(DUE, place, now, most)]

    async def take(self, place: str, now: datetime) -> DueDeletion | None:
        """One that is to be done, and that nobody else gets before this transaction ends."""
        for row in await self._database.fetch(TAKE, place, now, 1):
            return msgspec.convert(dict(row), DueDeletion)
        return None

    async def asked(self, ids: Sequence[UUID], task: str, due_at: datetime) -> None:
        """The place has it as a task, which is looked at then."""
        await self._database.fetch(ASKED, list(ids), task, due_at)

    async def wait(self, ids: Sequence[UUID], due_at: datetime) -> None:
        """The task goes on."""
        await self._database.fetch(WAIT, list(ids), due_at)

    async def done(self, ids: Sequence[UUID], now: datetime) -> None:
        await self._database.fetch(DONE, list(ids), now)

    async def again(self, ids: Sequence[UUID], fault: str, due_at: datetime, most: int, now: datetime) -> int:
        """A try came to nothing. How many have failed for good with it, which were tried `most` times."""
        async with self._database.transaction():
            await self._database.fetch(AGAIN, list(ids), fault, due_at)
            return len(await self._database.fetch(GIVE_UP, list(ids), most, now))

    async def find(self, id: UUID) -> DeletionView | None:
        for row in await self._database.fetch(FIND, id):
            return msgspec.convert(dict(row), DeletionView)
        return None

    async def retry(self, id: UUID, now: datetime) -> DeletionView | None:
        """Have one tried again that has failed; None for any other."""
        for row in await self._database.fetch(RETRY, id, now):
            return msgspec.convert(dict(row), DeletionView)
        return None
