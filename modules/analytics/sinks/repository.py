"""The rows of sinks: how far each has come, who sends to it, what it refused, and the events that may leave."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from gateway.contract import Database
from gateway.errors import not_found
from gateway.http.listing import Page, Sort, Span, page_of
from modules.analytics.facade import OutgoingEvent, RefusedEvent
from modules.analytics.sinks.messages import RefusedView, SinkView
from modules.analytics.sinks.tables import RefusedRow

# Whoever changes a consent now learns of the sink, or the sink learns of the change.
NO_CHANGES: Final = "LOCK TABLE analytics_consent IN SHARE MODE"
ADD: Final = "INSERT INTO analytics_sink (name) VALUES ($1) ON CONFLICT DO NOTHING"
KNOWN: Final = "SELECT FROM analytics_sink WHERE name = $1"
HOLD: Final = """
    UPDATE analytics_sink SET holder = $2, held_until = $4
    WHERE name = $1 AND due_at <= $3 AND (holder = $2 OR held_until <= $3)
    RETURNING seq, ahead, failures, next_at > $3 AS rests, (SELECT seq FROM analytics_progress) AS stored
"""
RELEASE: Final = "UPDATE analytics_sink SET holder = NULL, held_until = '-infinity' WHERE name = $1 AND holder = $2"
# Of users who allow it, what happened since they do; of nobody, what is no client's: a client's user may have chosen
# nothing. Neither the subject nor the key leaves.
EVENTS: Final = """
    SELECT event.id, event.seq, event.at, event.name, consent.outside AS person, event.program_id, event.session_id,
        event.label, event.value, event.client
    FROM analytics_event AS event
    LEFT JOIN analytics_subject AS subject ON subject.subject = event.subject
    LEFT JOIN analytics_consent AS consent
        ON consent.user_id = subject.user_id AND consent.outside IS NOT NULL AND event.at >= consent.outside_since
    WHERE event.seq > $1 AND event.seq <= $2
        AND (consent.outside IS NOT NULL OR $3 AND event.subject IS NULL AND NOT event.client)
    ORDER BY event.seq LIMIT $4
"""
PLAN: Final = "UPDATE analytics_sink SET ahead = $3 WHERE name = $1 AND holder = $2 RETURNING name"
ADVANCE: Final = """
    UPDATE analytics_sink SET
        seq = $3, ahead = NULL, failures = 0, fault = '', sent = sent + $4, refused = refused + $5,
        sent_at = CASE WHEN $4 > 0 THEN $6 ELSE sent_at END, next_at = $7
    WHERE name = $1 AND holder = $2 RETURNING name
"""
REFUSE: Final = """
    INSERT INTO analytics_refused_event (sink, event_id, name, reason, refused_at)
    SELECT $1, event_id, name, reason, $5
    FROM unnest($2::uuid[], $3::text[], $4::text[]) AS told (event_id, name, reason)
    ON CONFLICT DO NOTHING
"""
FAILED: Final = """
    UPDATE analytics_sink SET
        failures = failures + 1, fault = $3, due_at = $4, holder = NULL, held_until = '-infinity'
    WHERE name = $1 AND holder = $2
"""
LIST: Final = """
    SELECT name, seq, (SELECT seq FROM analytics_progress) - seq AS behind, sent, refused, sent_at, failures, fault,
        nullif(due_at, '-infinity') AS due_at
    FROM analytics_sink ORDER BY name
"""
SWEEP: Final = "DELETE FROM analytics_refused_event WHERE refused_at < $1"
NEWEST: Final = Sort("newest", (RefusedRow.refused_at, RefusedRow.event_id), descending=True)


class Cursor(msgspec.Struct, frozen=True):
    """How far a sink has come: up to `seq` of what is `stored`. `ahead` is the end of a batch that was begun.

    While it `rests` it gets no batch.
    """

    seq: int
    ahead: int | None
    failures: int
    rests: bool
    stored: int


class SinkRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, name: str) -> None:
        """Make the row of a sink, if there is none."""
        if await self._database.fetch(KNOWN, name):
            return
        async with self._database.transaction():
            await self._database.fetch(NO_CHANGES)
            await self._database.fetch(ADD, name)

    async def hold(self, name: str, holder: UUID, now: datetime, lease: timedelta) -> Cursor | None:
        """Have the sink, again or still; None when another gateway has it, or when it is to be left alone."""
        for row in await self._database.fetch(HOLD, name, holder, now, now + lease):
            return msgspec.convert(dict(row), Cursor)
        return None

    async def release(self, name: str, holder: UUID) -> None:
        await self._database.fetch(RELEASE, name, holder)

    async def events(self, after: int, until: int, most: int, *, nobodys: bool) -> list[OutgoingEvent]:
        """The first events of this span of `seq` that may leave, in the order of storing."""
        rows = await self._database.fetch(EVENTS, after, until, nobodys, most)
        return [OutgoingEvent(**row) for row in rows]

    async def plan(self, name: str, holder: UUID, ahead: int) -> bool:
        """A batch up to there is begun; whether the sink is still held."""
        return bool(await self._database.fetch(PLAN, name, holder, ahead))

    async def advance(
        self, name: str, holder: UUID, seq: int, sent: int, refused: int, now: datetime, next_at: datetime
    ) -> bool:
        """All up to `seq` has left, and the next batch is for then; whether the sink is still held."""
        return bool(await self._database.fetch(ADVANCE, name, holder, seq, sent, refused, now, next_at))

    async def refuse(self, name: str, refused: Sequence[RefusedEvent], now: datetime) -> None:
        columns = (
            [one.event.id for one in refused],
            [one.event.name for one in refused],
            [one.reason for one in refused],
        )
        await self._database.fetch(REFUSE, name, *columns, now)

    async def failed(self, name: str, holder: UUID, fault: str, due_at: datetime) -> None:
        """Leave the sink alone until then."""
        await self._database.fetch(FAILED, name, holder, fault, due_at)

    async def list(self) -> Sequence[SinkView]:
        return [msgspec.convert(dict(row), SinkView) for row in await self._database.fetch(LIST)]

    async def refused(self, name: str, span: Span) -> Page[RefusedView]:
        """A page of what a sink refused. Raises BadInput `not_found`, where the gateways never had it."""
        if not await self._database.fetch(KNOWN, name):
            raise not_found("there is no such sink")
        columns = [getattr(RefusedRow, column) for column in RefusedView.__struct_fields__]
        query = RefusedRow.select(*columns).where(RefusedRow.sink == name)
        with self._database.guard():
            return await page_of(query, NEWEST, span, RefusedView)

    async def sweep(self, before: datetime) -> None:
        await self._database.fetch(SWEEP, before)
