"""Differences between our rows and the vendor: each is noted once while it is open, and an operator resolves it."""

from __future__ import annotations

from typing import Final

import structlog

from gateway import clock
from gateway.contract import Database
from gateway.identifier import new_id
from modules.payments.reconciliation import metrics

log = structlog.get_logger(__name__)

NOTE: Final = """
    INSERT INTO payments_difference (id, kind, subject, detail, ours, theirs, order_id, found_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (kind, subject) WHERE resolved_at IS NULL DO NOTHING RETURNING id
"""


class Differences:
    """What waits for a person. Each call runs in the transaction around it, if there is one; raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(
        self, kind: str, subject: str, detail: str, *, ours: str = "", theirs: str = "", order_id: str | None = None
    ) -> bool:
        """Note a difference, and count it. False when the same one is open already.

        `kind` is a word such as `mismatch`, and `subject` the vendor's id of what it is about. No names of people.
        """
        values = (new_id(), kind, subject, detail, ours, theirs, order_id, clock.now())
        noted = bool(await self._database.fetch(NOTE, *values))
        if noted:
            metrics.differences.labels(kind).inc()
            log.warning("reconciliation.difference", kind=kind, subject=subject, detail=detail, order=order_id)
        return noted
