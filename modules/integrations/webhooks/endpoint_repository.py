"""The rows of endpoints: every statement, and what it gives."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from modules.integrations.webhooks.messages import EndpointView
from modules.integrations.webhooks.states import DisabledReason
from modules.integrations.webhooks.tables import EndpointRow

COLUMNS: Final = ", ".join(EndpointView.__struct_fields__)
NEWEST: Final = Sort("newest", (EndpointRow.id,), descending=True)

ONE: Final = f"SELECT {COLUMNS} FROM integrations_endpoint WHERE id = $1 AND deleted_at IS NULL"  # noqa: S608
INSERT: Final = f"""
    INSERT INTO integrations_endpoint ({COLUMNS}, secret) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""  # noqa: S608
COUNT: Final = "SELECT count(*) AS count FROM integrations_endpoint WHERE service_id = $1 AND deleted_at IS NULL"
UPDATE: Final = """
    UPDATE integrations_endpoint
    SET url = $2, events = $3, enabled = $4, reason = $5, failures = $6, failing_since = $7, rev = $8,
        held_until = '-infinity'
    WHERE id = $1
"""
DELETE: Final = """
    UPDATE integrations_endpoint SET enabled = false, deleted_at = $2, secret = '', former_secret = '', rev = rev + 1
    WHERE id = $1
"""
ROTATE: Final = """
    UPDATE integrations_endpoint SET former_secret = secret, former_until = $3, secret = $2, rev = rev + 1
    WHERE id = $1
"""
SUCCEEDED: Final = """
    UPDATE integrations_endpoint SET failures = 0, failing_since = NULL, held_until = '-infinity'
    WHERE id = $1 AND failures > 0
"""
# The endpoint's row is locked by it: whoever disables an endpoint then ends its deliveries.
FAILED: Final = """
    UPDATE integrations_endpoint SET failures = failures + 1, failing_since = coalesce(failing_since, $2)
    WHERE id = $1 RETURNING service_id, enabled, failures, failing_since
"""
HOLD: Final = "UPDATE integrations_endpoint SET held_until = $2 WHERE id = $1"
DISABLE: Final = """
    UPDATE integrations_endpoint SET enabled = false, reason = $2, rev = rev + 1 WHERE id = $1 AND enabled RETURNING id
"""


class FailingEndpoint(msgspec.Struct, frozen=True):
    service_id: UUID
    enabled: bool
    failures: int
    failing_since: datetime


class EndpointRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, id: UUID) -> EndpointView | None:
        return await self._one(ONE, id)

    async def lock(self, id: UUID) -> EndpointView | None:
        """The endpoint. Nobody else changes it until the transaction ends; events are written for it all the same."""
        return await self._one(f"{ONE} FOR NO KEY UPDATE", id)

    async def insert(self, new: EndpointView, secret: str) -> None:
        await self._database.fetch(INSERT, *msgspec.structs.astuple(new), secret)

    async def count(self, service: UUID) -> int:
        return int((await self._database.fetch(COUNT, service))[0]["count"])

    async def update(self, changed: EndpointView) -> None:
        await self._database.fetch(
            UPDATE,
            changed.id,
            changed.url,
            changed.events,
            changed.enabled,
            changed.reason,
            changed.failures,
            changed.failing_since,
            changed.rev,
        )

    async def delete(self, id: UUID, now: datetime) -> None:
        """Nobody finds it any more; its secrets go."""
        await self._database.fetch(DELETE, id, now)

    async def rotate(self, id: UUID, secret: str, until: datetime) -> None:
        """Sign with this secret, and with the one before it until then."""
        await self._database.fetch(ROTATE, id, secret, until)

    async def page(self, service: UUID, span: Span) -> Page[EndpointView]:
        columns = [getattr(EndpointRow, name) for name in EndpointView.__struct_fields__]
        query = EndpointRow.select(*columns).where(
            (EndpointRow.service_id == service) & EndpointRow.deleted_at.is_null()
        )
        with self._database.guard():
            return await page_of(query, NEWEST, span, EndpointView)

    async def succeeded(self, id: UUID) -> None:
        await self._database.fetch(SUCCEEDED, id)

    async def failed(self, id: UUID, now: datetime) -> FailingEndpoint:
        """Count a failed try; the endpoint stays locked until the transaction ends."""
        return msgspec.convert(dict((await self._database.fetch(FAILED, id, now))[0]), FailingEndpoint)

    async def hold(self, id: UUID, until: datetime) -> None:
        """Send nothing to it before that."""
        await self._database.fetch(HOLD, id, until)

    async def disable(self, id: UUID, reason: DisabledReason) -> bool:
        """False when it was disabled before."""
        return bool(await self._database.fetch(DISABLE, id, reason))

    async def _one(self, statement: str, id: UUID) -> EndpointView | None:
        for row in await self._database.fetch(statement, id):
            return msgspec.convert(dict(row), EndpointView)
        return None
