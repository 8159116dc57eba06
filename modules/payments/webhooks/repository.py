"""The rows of webhooks: every statement, and what it gives."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import msgspec

from gateway.contract import Database
from modules.payments.webhooks.envelope import Envelope

ADD: Final = """
    INSERT INTO payments_webhook (id, event, body, sent_at, received_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING RETURNING id
"""
SAME: Final = "SELECT FROM payments_webhook WHERE id = $1 AND body = $2"
FIND: Final = "SELECT body FROM payments_webhook WHERE id = $1"
FINISH: Final = "UPDATE payments_webhook SET state = $2, handled_at = $3 WHERE id = $1"


class WebhookRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, id: str, envelope: Envelope, now: datetime) -> bool:
        """False when one of this id is there."""
        body = msgspec.json.encode(envelope)
        return bool(await self._database.fetch(ADD, id, envelope.event, body, envelope.created_at, now))

    async def is_same(self, id: str, envelope: Envelope) -> bool:
        """Whether the one of this id says the same."""
        return bool(await self._database.fetch(SAME, id, msgspec.json.encode(envelope)))

    async def find(self, id: str) -> Envelope | None:
        for row in await self._database.fetch(FIND, id):
            return msgspec.json.decode(row["body"], type=Envelope)
        return None

    async def finish(self, id: str, state: Literal["handled", "ignored"], now: datetime) -> None:
        await self._database.fetch(FINISH, id, state, now)
