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
    SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE NOT EXISTS (
        -- A person has decided about these values.
        SELECT FROM payments_difference WHERE kind = $2 AND subject = $3 AND ours = $5 AND theirs = $6
            AND resolved_by <> $9
    )
    ON CONFLICT (kind, subject) WHERE resolved_at IS NULL
    DO UPDATE SET detail = EXCLUDED.detail, ours = EXCLUDED.ours, theirs = EXCLUDED.theirs,
        rev = payments_difference.rev + 1
        WHERE (payments_difference.ours, payments_difference.theirs) <> (EXCLUDED.ours, EXCLUDED.theirs)
    RETURNING id
"""
AGREE: Final = """
    UPDATE payments_difference SET resolved_at = $3, resolved_by = $4, note = 'both agree now', rev = rev + 1
    WHERE kind = $1 AND subject = $2 AND resolved_at IS NULL RETURNING id
"""
# Who resolves what has come right by itself; no user's id has a space.
BY_ITSELF: Final = "the reconciliation"


class Differences:
    """What waits for a person. Each call runs in the transaction around it, if there is one; raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(
        self, kind: str, subject: str, detail: str, *, ours: str = "", theirs: str = "", order_id: str | None = None
    ) -> bool:
        """Note a difference, and count it. False when the same one is open already, or a person has resolved it.

        One that is open takes the newer values. `kind` is a word such as `mismatch`, and `subject` the
        vendor's id of what it is about. No names of people.
        """
        id = new_id()
        values = (id, kind, subject, detail, ours, theirs, order_id, clock.now(), BY_ITSELF)
        noted = any(row["id"] == id for row in await self._database.fetch(NOTE, *values))
        if noted:
            metrics.differences.labels(kind).inc()
            log.warning("reconciliation.difference", kind=kind, subject=subject, detail=detail, order=order_id)
        return noted

    async def agree(self, kind: str, subject: str) -> None:
        """Both agree about it: an open difference is resolved."""
        if await self._database.fetch(AGREE, kind, subject, clock.now(), BY_ITSELF):
            log.info("reconciliation.agrees", kind=kind, subject=subject)
