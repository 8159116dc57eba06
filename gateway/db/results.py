"""The answers of row-first commands, so that a repeat with the same nonce gets the first answer again.

The answer is a row of the transaction that did the work. The transaction claims the row by its id before it does
anything else. Of two that run at once, on any nodes, the second waits for the first. A command that failed has no row,
and may be tried again.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any, Final

import msgspec
import structlog

from gateway.db.database import PostgresDatabase
from gateway.errors import Unavailable

log = structlog.get_logger(__name__)

SWEEP: Final = 300.0

# Waits for another transaction that holds the same id. A row that is older than the window belongs to another command.
CLAIM: Final = """
    INSERT INTO command_result AS held (id) VALUES ($1)
    ON CONFLICT (id) DO UPDATE SET at = now(), ok = NULL WHERE held.at < now() - make_interval(secs => $2)
    RETURNING true
"""
KEEP: Final = "UPDATE command_result SET ok = $2 WHERE id = $1"
FIRST: Final = "SELECT ok FROM command_result WHERE id = $1 AND at >= now() - make_interval(secs => $2)"
FORGET: Final = "DELETE FROM command_result WHERE at < now() - make_interval(secs => $1)"


class CommandResults:
    """The table `command_result`; every method raises Unavailable."""

    def __init__(self, database: PostgresDatabase, *, kept: float) -> None:
        self._database = database
        self._kept = kept

    async def first(self, id: str) -> dict[str, Any] | None:
        """The first answer to a repeated command, marked as `duplicate`; None when there is none."""
        for row in await self._database.fetch(FIRST, id, self._kept):
            return {**msgspec.json.decode(row["ok"], type=dict[str, Any]), "duplicate": True}
        return None

    async def claim(self, id: str) -> bool:
        """Claim the id. Returns whether this transaction has to do the command; if not, it was done."""
        return bool(await self._database.fetch(CLAIM, id, self._kept))

    async def keep(self, id: str, ok: msgspec.Struct) -> None:
        """Store the answer, in the transaction that claimed the id."""
        await self._database.fetch(KEEP, id, msgspec.json.encode(ok).decode())

    async def sweep(self) -> None:
        """Delete old answers now and then, for as long as the gateway runs."""
        while True:
            await asyncio.sleep(SWEEP * random.uniform(0.5, 1.5))  # noqa: S311
            try:
                # Twice the window, so that a transaction that waits for a claim still finds its row.
                await self._database.fetch(FORGET, self._kept * 2)
            except Unavailable:
                log.info("results.not_swept")
