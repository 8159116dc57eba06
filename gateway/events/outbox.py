"""The transactional outbox: an event, push or timer is a row that commits with the transaction that adds it."""

from __future__ import annotations

from typing import Literal

from gateway import failpoint
from gateway.db.database import PostgresDatabase

Kind = Literal["event", "push", "timer"]

ADD = "INSERT INTO outbox (kind, destination, body) VALUES ($1, $2, $3)"


class Outbox:
    """Adds rows in the current task's transaction; the commit wakes the relay."""

    def __init__(self, database: PostgresDatabase, *, limit: int) -> None:
        self._database = database
        self._limit = limit

    async def add(self, kind: Kind, destination: str, body: bytes) -> None:
        """Add one row; `body` is JSON.

        Raises RuntimeError outside of a transaction, ValueError when the body is too large, and Unavailable.
        """
        if not self._database.in_transaction:
            raise RuntimeError(
                f"a {kind} ({destination}) is published outside of a transaction; "
                "write its row and publish it inside one `async with kernel.database.transaction()`"
            )
        if len(body) > self._limit:
            raise ValueError(f"a {kind} ({destination}) has {len(body)} bytes; at most {self._limit} may be published")
        await self._database.fetch(ADD, kind, destination, body.decode())
        failpoint.crash("kill.written")
