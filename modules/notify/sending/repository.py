"""The rows of deliveries that are sent: every statement. What is due is claimed by a lease, a batch at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gateway.contract import Database
from modules.notify.states import DeliveryState

# The first of each priority, until the batch is full: a campaign holds up nothing that is more urgent.
CLAIM: Final = """
    WITH due AS (
        SELECT first.id, first.due_at FROM generate_series(0, 3) AS level (priority) CROSS JOIN LATERAL (
            SELECT id, due_at FROM notify_delivery
            WHERE channel = $1 AND priority = level.priority AND state IN ('waiting', 'unknown') AND due_at <= $2
                AND kind = ANY($5)
            ORDER BY due_at LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED
        ) AS first LIMIT $4
    )
    UPDATE notify_delivery AS delivery
    SET state = 'sending', attempts = attempts + 1, lease_until = $3
    FROM due, notify_notification AS notification
    WHERE delivery.id = due.id AND notification.id = delivery.notification_id
    RETURNING delivery.id, delivery.priority, delivery.notice_id, delivery.user_id, delivery.attempts,
        delivery.failures, delivery.doubtful, due.due_at, notification.id AS notification_id, notification.created_at,
        notification.expires_at, notification.seen_at, notification.read_at
"""
NOTICES: Final = """
    SELECT id, kind, subject, data, at, campaign_id, state FROM notify_notice WHERE id = ANY($1::uuid[])
"""
# Each try notes what became of it by its number. A late answer that it was sent counts all the same.
NOTE: Final = """
    UPDATE notify_delivery AS delivery SET
        state = told.state, reason = told.reason, lease_until = NULL, due_at = coalesce(told.due_at, delivery.due_at),
        attempts = delivery.attempts - told.uncounted,
        failures = delivery.failures + told.failures,
        doubtful = delivery.doubtful OR told.state = 'unknown',
        vendor_id = coalesce(nullif(told.vendor_id, ''), delivery.vendor_id),
        sent_at = CASE WHEN told.state IN ('sent', 'delivered') THEN coalesce(delivery.sent_at, $9)
            ELSE delivery.sent_at END,
        delivered_at = CASE WHEN told.state = 'delivered' THEN $9 ELSE delivery.delivered_at END
    FROM unnest(
        $1::uuid[], $2::int[], $3::text[], $4::text[], $5::timestamptz[], $6::int[], $7::int[], $8::text[]
    ) AS told (id, attempt, state, reason, due_at, uncounted, failures, vendor_id)
    WHERE delivery.id = told.id AND (
        delivery.attempts = told.attempt AND delivery.state IN ('sending', 'unknown')
        OR told.state IN ('sent', 'delivered') AND delivery.state IN ('waiting', 'sending', 'unknown')
    )
"""
LAPSE: Final = """
    UPDATE notify_delivery SET state = 'unknown', reason = 'lease', doubtful = true, lease_until = NULL, due_at = $1
    WHERE id IN (
        SELECT id FROM notify_delivery WHERE state = 'sending' AND lease_until <= $1
        ORDER BY lease_until LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
    )
    RETURNING id
"""
BACKLOG: Final = """
    SELECT channel, count(*) AS due, min(due_at) AS oldest FROM notify_delivery
    WHERE state = 'waiting' AND due_at <= $1 GROUP BY channel
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """What became of one try. `uncounted` tries are taken back: nothing was handed to the channel."""

    id: str
    attempt: int
    state: DeliveryState
    reason: str = ""
    due_at: datetime | None = None
    uncounted: bool = False
    failed: bool = False
    vendor_id: str = ""


class DeliveryRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(
        self, channel: str, now: datetime, until: datetime, most: int, kinds: Collection[str]
    ) -> Sequence[Mapping[str, Any]]:
        """Deliveries of a channel and these kinds that are due, urgent ones first; nobody else has them until then."""
        rows = await self._database.fetch(CLAIM, channel, now, until, most, list(kinds))
        return sorted(rows, key=lambda row: (row["priority"], row["due_at"]))

    async def notices(self, ids: Collection[str]) -> Sequence[Mapping[str, Any]]:
        return await self._database.fetch(NOTICES, list(ids))

    async def note(self, notes: Sequence[Note], now: datetime) -> None:
        """Write what became of a batch."""
        await self._database.fetch(
            NOTE,
            [note.id for note in notes],
            [note.attempt for note in notes],
            [note.state.value for note in notes],
            [note.reason for note in notes],
            [note.due_at for note in notes],
            [int(note.uncounted) for note in notes],
            [int(note.failed) for note in notes],
            [note.vendor_id for note in notes],
            now,
        )

    async def backlog(self, now: datetime) -> Sequence[Mapping[str, Any]]:
        """What is due and nobody has: `channel`, `due`, and `oldest`, since when."""
        return await self._database.fetch(BACKLOG, now)

    async def lapse(self, now: datetime, most: int) -> int:
        """Make what a lost worker was sending `unknown`; how many there were."""
        return len(await self._database.fetch(LAPSE, now, most))
