"""The rows of webhooks: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

import msgspec

from gateway.contract import Database
from modules.payments.webhooks.envelope import Envelope

# In the order of their ids: two gateways that store the same ones do not wait for each other in a circle.
ADD: Final = """
    INSERT INTO payments_webhook (id, event, body, sent_at, received_at)
    SELECT id, event, body, sent_at, $5
    FROM unnest($1::text[], $2::text[], $3::bytea[], $4::timestamptz[]) AS told (id, event, body, sent_at) ORDER BY id
    ON CONFLICT DO NOTHING RETURNING id
"""
SAME: Final = "SELECT FROM payments_webhook WHERE id = $1 AND body = $2"
FIND: Final = "SELECT body FROM payments_webhook WHERE id = $1"
FINISH: Final = "UPDATE payments_webhook SET state = $2, handled_at = $3 WHERE id = $1"


class WebhookRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, webhooks: Mapping[str, Envelope], now: datetime) -> set[str]:
        """Add webhooks by their ids, and return those ids that were not there."""
        told = webhooks.values()
        bodies, events = [msgspec.json.encode(one) for one in told], [one.event for one in told]
        times = [one.created_at for one in told]
        return {row["id"] for row in await self._database.fetch(ADD, [*webhooks], events, bodies, times, now)}

    async def is_same(self, id: str, envelope: Envelope) -> bool:
        """Whether the one of this id says the same."""
        return bool(await self._database.fetch(SAME, id, msgspec.json.encode(envelope)))

    async def find(self, id: str) -> Envelope | None:
        for row in await self._database.fetch(FIND, id):
            return msgspec.json.decode(row["body"], type=Envelope)
        return None

    async def finish(self, id: str, state: Literal["handled", "ignored"], now: datetime) -> None:
        await self._database.fetch(FINISH, id, state, now)
