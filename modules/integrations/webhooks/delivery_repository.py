"""The rows of deliveries: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from modules.integrations.webhooks.messages import DeliveryView
from modules.integrations.webhooks.states import DeliveryState, Fault
from modules.integrations.webhooks.tables import DeliveryRow

COLUMNS: Final = ", ".join(DeliveryView.__struct_fields__)
NEWEST: Final = Sort("newest", (DeliveryRow.id,), descending=True)

# Of each endpoint that may be sent something, the first few: those that are due, and the first of their subject. Rows
# that another gateway is just claiming are left to it. $2 are endpoints that this gateway sends to now, $7 times each.
CLAIM: Final = """
    WITH first AS (
        SELECT delivery.id FROM integrations_endpoint AS endpoint
        JOIN integrations_service AS service ON service.id = endpoint.service_id AND NOT service.disabled
        LEFT JOIN unnest($2::uuid[], $7::int[]) AS busy (id, count) ON busy.id = endpoint.id
        CROSS JOIN LATERAL (
            SELECT id, due_at FROM integrations_delivery AS one
            WHERE one.endpoint_id = endpoint.id AND one.state = 'waiting' AND one.due_at <= $1
                AND NOT EXISTS (
                    SELECT FROM integrations_delivery AS earlier
                    WHERE earlier.endpoint_id = one.endpoint_id AND earlier.subject = one.subject
                        AND earlier.state = 'waiting' AND earlier.id < one.id
                )
            ORDER BY id LIMIT $3 - coalesce(busy.count, 0)
        ) AS delivery
        WHERE endpoint.enabled AND endpoint.held_until <= $1
        ORDER BY delivery.due_at LIMIT $4
    ), chosen AS (
        SELECT delivery.id FROM integrations_delivery AS delivery JOIN first ON first.id = delivery.id
        WHERE delivery.state = 'waiting' AND delivery.due_at <= $1
        FOR NO KEY UPDATE OF delivery SKIP LOCKED
    )
    UPDATE integrations_delivery AS delivery SET claim = $5, due_at = $6, attempts = attempts + 1
    FROM chosen, integrations_event AS event, integrations_endpoint AS endpoint
    WHERE delivery.id = chosen.id AND event.id = delivery.event_id AND endpoint.id = delivery.endpoint_id
    RETURNING delivery.id, delivery.event_id, delivery.endpoint_id, delivery.attempts, event.body, endpoint.url,
        endpoint.secret, CASE WHEN endpoint.former_until > $1 THEN endpoint.former_secret ELSE '' END AS former_secret
"""
# Nothing is written by a gateway whose claim lapsed: another one may be at it.
DELIVERED: Final = """
    UPDATE integrations_delivery
    SET state = 'delivered', status = $3, fault = '', finished_at = $4, claim = NULL
    WHERE id = $1 AND claim = $2
"""
AGAIN: Final = """
    UPDATE integrations_delivery SET status = $3, fault = $4, due_at = $5, claim = NULL WHERE id = $1 AND claim = $2
"""
FAILED: Final = """
    UPDATE integrations_delivery SET state = 'failed', status = $3, fault = $4, finished_at = $5, claim = NULL
    WHERE id = $1 AND claim = $2
"""
GIVE_UP: Final = """
    UPDATE integrations_delivery SET state = 'failed', fault = $2, finished_at = $3, claim = NULL
    WHERE endpoint_id = $1 AND state = 'waiting'
"""
ONE: Final = f"SELECT {COLUMNS} FROM integrations_delivery WHERE id = $1"  # noqa: S608
OF_EVENT: Final = f"SELECT {COLUMNS} FROM integrations_delivery WHERE endpoint_id = $1 AND event_id = $2"  # noqa: S608
REPLAY: Final = f"""
    UPDATE integrations_delivery SET state = 'waiting', due_at = $2, attempts = 0, claim = NULL, finished_at = NULL
    WHERE id = $1 AND state <> 'waiting' RETURNING {COLUMNS}
"""  # noqa: S608
REPLAY_SINCE: Final = """
    UPDATE integrations_delivery SET state = 'waiting', due_at = $3, attempts = 0, claim = NULL, finished_at = NULL
    WHERE endpoint_id = $1 AND state = 'failed' AND created_at >= $2 RETURNING id
"""
# With their deliveries. A few at a time, so that no lock is long.
SWEEP: Final = """
    DELETE FROM integrations_event WHERE id IN (SELECT id FROM integrations_event WHERE at < $1 LIMIT 1000) RETURNING id
"""


class ClaimedDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that this gateway sends now. `former_secret` is empty when it signs no more."""

    id: int
    event_id: UUID
    endpoint_id: UUID
    attempts: int
    body: str
    url: str
    secret: str
    former_secret: str


class DeliveryRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(
        self, claim: UUID, now: datetime, lease: timedelta, *, busy: Mapping[UUID, int], each: int, most: int
    ) -> list[ClaimedDelivery]:
        """Take what is due, `most` at most; of one endpoint `each`, with those that it is `busy` with."""
        counts = list(busy), list(busy.values())
        rows = await self._database.fetch(CLAIM, now, counts[0], each, most, claim, now + lease, counts[1])
        return [msgspec.convert(dict(row), ClaimedDelivery) for row in rows]

    async def delivered(self, id: int, claim: UUID, status: int | None, now: datetime) -> None:
        await self._database.fetch(DELIVERED, id, claim, status, now)

    async def again(self, id: int, claim: UUID, status: int | None, fault: Fault, due_at: datetime) -> None:
        await self._database.fetch(AGAIN, id, claim, status, fault, due_at)

    async def failed(self, id: int, claim: UUID, status: int | None, fault: Fault, now: datetime) -> None:
        await self._database.fetch(FAILED, id, claim, status, fault, now)

    async def give_up(self, endpoint: UUID, now: datetime) -> None:
        """What waits for the endpoint has failed."""
        await self._database.fetch(GIVE_UP, endpoint, Fault.DISABLED, now)

    async def find(self, id: int) -> DeliveryView | None:
        for row in await self._database.fetch(ONE, id):
            return msgspec.convert(dict(row), DeliveryView)
        return None

    async def of_event(self, endpoint: UUID, event: UUID) -> DeliveryView | None:
        for row in await self._database.fetch(OF_EVENT, endpoint, event):
            return msgspec.convert(dict(row), DeliveryView)
        return None

    async def replay(self, id: int, now: datetime) -> DeliveryView | None:
        """None when it waits already."""
        for row in await self._database.fetch(REPLAY, id, now):
            return msgspec.convert(dict(row), DeliveryView)
        return None

    async def replay_since(self, endpoint: UUID, since: datetime, now: datetime) -> int:
        return len(await self._database.fetch(REPLAY_SINCE, endpoint, since, now))

    async def page(self, endpoint: UUID, state: DeliveryState | None, span: Span) -> Page[DeliveryView]:
        columns = [getattr(DeliveryRow, name) for name in DeliveryView.__struct_fields__]
        query = DeliveryRow.select(*columns).where(DeliveryRow.endpoint_id == endpoint)
        if state is not None:
            query = query.where(DeliveryRow.state == state.value)
        with self._database.guard():
            return await page_of(query, NEWEST, span, DeliveryView)

    async def sweep(self, before: datetime) -> int:
        """Delete some events that are older, with their deliveries; how many."""
        return len(await self._database.fetch(SWEEP, before))
