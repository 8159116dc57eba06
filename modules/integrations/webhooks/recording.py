"""Writes down the events that webhooks will tell of, in the transactions of the facts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from gateway import clock
from gateway.contract import Database
from gateway.identifier import new_id
from modules.integrations.webhooks.public_events import NOTIFICATION, PublicEvents, data_of, subject_of

# One statement: an event that no endpoint wants is not written. With $6 alone those count that name the event.
RECORD: Final = """
    WITH taker AS (
        SELECT endpoint.id FROM integrations_endpoint AS endpoint
        JOIN integrations_service AS service ON service.id = endpoint.service_id
        WHERE endpoint.enabled AND endpoint.deleted_at IS NULL AND NOT service.disabled
            AND ($2 = ANY(endpoint.events) OR (endpoint.events = '{}' AND NOT $6))
    ), event AS (
        INSERT INTO integrations_event (id, name, body, at)
        SELECT $1, $2, $3, $5 WHERE EXISTS (SELECT FROM taker)
        ON CONFLICT DO NOTHING RETURNING id
    )
    INSERT INTO integrations_delivery (event_id, endpoint_id, event, subject, due_at, created_at)
    SELECT event.id, taker.id, $2, $4, $5, $5 FROM event, taker RETURNING id
"""
TO_ONE: Final = """
    WITH event AS (
        INSERT INTO integrations_event (id, name, body, at) VALUES ($1, $2, $3, $5) RETURNING id
    )
    INSERT INTO integrations_delivery (event_id, endpoint_id, event, subject, due_at, created_at)
    SELECT event.id, $6, $2, $4, $5, $5 FROM event RETURNING id
"""
KNOWN: Final = "SELECT FROM integrations_event WHERE id = $1"


class WebhookBody(msgspec.Struct, frozen=True):
    """What is signed and sent."""

    type: str
    timestamp: datetime
    data: Any


class WebhookRecorder:
    """The order of one subject is that of the statements. Who changes a subject holds the lock of its row, so that is
    the order in which the facts commit."""

    def __init__(self, database: Database, public: PublicEvents) -> None:
        self._database = database
        self._public = public

    async def observe(self, event: msgspec.Struct) -> None:
        """As `gateway.contract.EventObserver`: writes the deliveries of a public event, in the present transaction."""
        public = self._public.by_event.get(type(event))
        if public is not None:
            await self._record(UUID(new_id()), public.name, subject_of(public, event), data_of(public, event))

    async def notification(self, id: UUID, subject: str, data: Any) -> bool:
        """Write a notification for those endpoints that name this event; the same id is written once.

        False when no endpoint wants it.
        """
        written = await self._record(id, NOTIFICATION, subject, data, named=True)
        return written or bool(await self._database.fetch(KNOWN, id))

    async def ping(self, endpoint: UUID, name: str) -> int:
        """Write an event for one endpoint, whatever it wants; the delivery's id."""
        id, now = new_id(), clock.now()
        body = _body(name, now, {"endpoint_id": str(endpoint)})
        (row,) = await self._database.fetch(TO_ONE, UUID(id), name, body, f"ping:{id}", now, endpoint)
        return int(row["id"])

    async def _record(self, id: UUID, name: str, subject: str, data: Any, *, named: bool = False) -> bool:
        now = clock.now()
        return bool(await self._database.fetch(RECORD, id, name, _body(name, now, data), subject, now, named))


def _body(name: str, at: datetime, data: Any) -> str:
    return msgspec.json.encode(WebhookBody(name, at, data)).decode()
