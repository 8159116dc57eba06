"""The rows that decisions go by: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from gateway.contract import Database
from modules.notify.decide.facts import Collected, Told

TOLD: Final = """
    SELECT user_id, count(*) FILTER (WHERE sent_at > $3) AS hour, count(*) AS day FROM notify_delivery
    WHERE user_id = ANY($1) AND channel = $2 AND sent_at > $4 GROUP BY user_id
"""
COLLECTED: Final = """
    SELECT one.id, digest_at, digest_id, coalesce(digest.delivery_id = one.id, false) AS carries
    FROM notify_delivery AS one LEFT JOIN notify_digest AS digest ON digest.id = one.digest_id
    WHERE one.id = ANY($1::uuid[]) AND digest_at IS NOT NULL
"""
COLLECT: Final = """
    UPDATE notify_delivery AS one SET digest_at = collected.at
    FROM unnest($1::uuid[], $2::timestamptz[]) AS collected (id, at)
    WHERE one.id = collected.id AND digest_id IS NULL
"""
# In the order of the keys, so that two workers wait for each other and never in a circle.
LOCK: Final = """
    SELECT pg_advisory_xact_lock(hashtext('notify_digest'), key)
    FROM (SELECT DISTINCT hashtext(unnest($1::text[])) AS key ORDER BY 1) AS users
"""
OPEN: Final = """
    SELECT one.id, one.user_id, one.digest_at, notification.created_at
    FROM notify_delivery AS one JOIN notify_notification AS notification ON notification.id = notification_id
    WHERE one.user_id = ANY($1) AND channel = $2 AND digest_at <= $3 AND digest_id IS NULL
        AND state IN ('waiting', 'sending', 'unknown')
    ORDER BY one.id FOR NO KEY UPDATE OF one
"""
LAST: Final = """
    SELECT user_id, max(window_end) AS window_end FROM notify_digest WHERE user_id = ANY($1) AND channel = $2
    GROUP BY user_id
"""
BEGIN: Final = """
    INSERT INTO notify_digest (id, user_id, channel, window_start, window_end, delivery_id, created_at)
    SELECT id, user_id, $5, window_start, window_end, delivery_id, $7
    FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[], $6::uuid[])
        AS new (id, user_id, window_start, window_end, delivery_id)
    ON CONFLICT (user_id, channel, window_end) DO NOTHING
    RETURNING id
"""
ADD: Final = """
    UPDATE notify_delivery AS one SET digest_id = added.digest_id
    FROM unnest($1::uuid[], $2::uuid[]) AS added (id, digest_id) WHERE one.id = added.id
"""
PARTS: Final = """
    SELECT one.id, notification_id, one.notice_id, notification.kind, notification.subject, one.user_id, channel,
        notice.data, notice.at, notification.created_at, notification.expires_at, seen_at, read_at, withdrawn_at,
        notice.state AS notice_state, campaign_id, digest_id
    FROM notify_delivery AS one
    JOIN notify_notification AS notification ON notification.id = notification_id
    JOIN notify_notice AS notice ON notice.id = one.notice_id
    WHERE digest_id = ANY($1::uuid[]) ORDER BY one.id
"""


class DecisionRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def told(
        self, user_ids: Collection[str], channel: str, since_hour: datetime, since_day: datetime
    ) -> dict[str, Told]:
        """How much these users were told; those who were told nothing are left out."""
        rows = await self._database.fetch(TOLD, list(user_ids), channel, since_hour, since_day)
        return {row["user_id"]: Told(hour=row["hour"], day=row["day"]) for row in rows}

    async def collected(self, ids: Collection[str]) -> dict[str, Collected]:
        """Those of these deliveries that are told in digests."""
        rows = await self._database.fetch(COLLECTED, list(ids))
        return {
            str(row["id"]): Collected(
                window_end=row["digest_at"],
                digest_id=None if row["digest_id"] is None else str(row["digest_id"]),
                carries=row["carries"],
            )
            for row in rows
        }

    async def collect(self, window_ends: Mapping[str, datetime]) -> None:
        """Write the windows of deliveries; those of a digest stay."""
        await self._database.fetch(COLLECT, list(window_ends), list(window_ends.values()))

    async def lock(self, user_ids: Collection[str]) -> None:
        """Nobody else begins a digest of these users until the transaction ends."""
        await self._database.fetch(LOCK, list(user_ids))

    async def open(self, user_ids: Collection[str], channel: str, now: datetime) -> Sequence[Mapping[str, Any]]:
        """What is collected, in no digest and due: `id`, `user_id`, `digest_at`, `created_at`."""
        return await self._database.fetch(OPEN, list(user_ids), channel, now)

    async def last(self, user_ids: Collection[str], channel: str) -> dict[str, datetime]:
        """The end of the last digest of these users."""
        rows = await self._database.fetch(LAST, list(user_ids), channel)
        return {row["user_id"]: row["window_end"] for row in rows}

    async def begin(
        self,
        ids: Sequence[str],
        user_ids: Sequence[str],
        starts: Sequence[datetime],
        ends: Sequence[datetime],
        channel: str,
        delivery_ids: Sequence[str],
        now: datetime,
    ) -> set[str]:
        """The ids of digests whose window had none before."""
        rows = await self._database.fetch(BEGIN, ids, user_ids, starts, ends, channel, delivery_ids, now)
        return {str(row["id"]) for row in rows}

    async def add(self, digest_of: Mapping[str, str]) -> None:
        """Write which digest each delivery is a part of."""
        await self._database.fetch(ADD, list(digest_of), list(digest_of.values()))

    async def parts(self, digest_ids: Collection[str]) -> Sequence[Mapping[str, Any]]:
        """The deliveries of digests, with their notifications and notices."""
        return await self._database.fetch(PARTS, list(digest_ids))
