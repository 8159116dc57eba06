"""The rows of an expansion: every statement. A notice is claimed by its lease, a page of users is one statement."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from gateway.contract import Database

CLAIM: Final = """
    UPDATE notify_notice SET
        state = CASE state WHEN 'waiting' THEN 'expanding' ELSE state END, lease_until = $2
    WHERE id IN (
        SELECT id FROM notify_notice
        WHERE state IN ('waiting', 'expanding', 'withdrawing') AND at <= $1
            AND (lease_until IS NULL OR lease_until <= $1) AND kind = ANY($4)
        ORDER BY at LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
    )
    RETURNING id, kind, subject, audience, users, data, actor, campaign_id, at, expires_at, state, cursor, page_at
"""
# Only notices that this worker still has, and that nobody took back meanwhile.
ADVANCE: Final = """
    UPDATE notify_notice AS notice SET cursor = page.cursor, page_at = $1, lease_until = $2
    FROM unnest($3::uuid[], $4::text[], $5::timestamptz[]) AS page (id, cursor, lease)
    WHERE notice.id = page.id AND notice.state = 'expanding' AND notice.lease_until = page.lease
    RETURNING notice.id
"""
WRITE: Final = """
    WITH page AS (
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::boolean[]) AS page (id, notice_id, user_id, in_app)
    ), written AS (
        INSERT INTO notify_notification (id, notice_id, kind, subject, user_id, in_app, created_at, expires_at)
        SELECT page.id, page.notice_id, notice.kind, notice.subject, page.user_id, page.in_app, $5, notice.expires_at
        FROM page JOIN notify_notice AS notice ON notice.id = page.notice_id
        ON CONFLICT (notice_id, user_id) DO NOTHING
        RETURNING id, notice_id, kind, user_id
    ), queued AS (
        INSERT INTO notify_delivery (id, notification_id, notice_id, kind, user_id, channel, priority, state, due_at)
        SELECT queue.id, written.id, written.notice_id, written.kind, written.user_id, queue.channel, queue.priority,
            'waiting', queue.due_at
        FROM unnest($6::uuid[], $7::uuid[], $8::text[], $9::smallint[], $10::timestamptz[])
            AS queue (id, notification_id, channel, priority, due_at)
        JOIN written ON written.id = queue.notification_id
    )
    SELECT id FROM written
"""
FINISH: Final = """
    UPDATE notify_notice SET state = 'expanded', lease_until = NULL
    WHERE id = ANY($1::uuid[]) AND state = 'expanding' AND lease_until = $2
"""
# After the death of a worker: the app may not have been told of the page that it wrote last.
LAST_PAGE: Final = """
    SELECT id, notice_id, user_id, rev FROM notify_notification
    WHERE notice_id = $1 AND created_at = $2 AND in_app AND withdrawn_at IS NULL
"""
TAKE_OUT: Final = """
    UPDATE notify_notification SET withdrawn_at = $2, rev = rev + 1 WHERE id IN (
        SELECT id FROM notify_notification WHERE notice_id = $1 AND withdrawn_at IS NULL LIMIT $3
        FOR NO KEY UPDATE SKIP LOCKED
    )
    RETURNING id, notice_id, user_id, in_app, rev
"""
# What is a part of a digest is looked at when that is sent: it may carry others.
SKIP: Final = """
    UPDATE notify_delivery SET state = 'skipped', reason = $2, lease_until = NULL
    WHERE notification_id = ANY($1::uuid[]) AND state = 'waiting' AND digest_id IS NULL
"""
TAKEN_OUT: Final = """
    UPDATE notify_notice SET state = 'withdrawn', lease_until = NULL
    WHERE id = $1 AND state = 'withdrawing' AND NOT EXISTS (
        SELECT FROM notify_notification WHERE notice_id = $1 AND withdrawn_at IS NULL
    )
"""


@dataclass
class Page:
    """The rows of a page, as columns: of one or of several notices."""

    ids: list[str] = field(default_factory=list)
    notice_ids: list[str] = field(default_factory=list)
    user_ids: list[str] = field(default_factory=list)
    in_app: list[bool] = field(default_factory=list)
    delivery_ids: list[str] = field(default_factory=list)
    delivered: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    priorities: list[int] = field(default_factory=list)
    due_at: list[datetime] = field(default_factory=list)

    def channels_due(self, now: datetime) -> set[str]:
        """The channels on which something of it is due already."""
        return {channel for channel, due_at in zip(self.channels, self.due_at, strict=True) if due_at <= now}

    def of(self, notice_ids: Collection[str]) -> Page:
        """The rows of these notices alone."""
        page = Page()
        for row in zip(self.ids, self.notice_ids, self.user_ids, self.in_app, strict=True):
            if row[1] in notice_ids:
                for column, value in zip((page.ids, page.notice_ids, page.user_ids, page.in_app), row, strict=True):
                    column.append(value)  # type: ignore[attr-defined]
        # Deliveries of notifications that are not written are left out by the statement.
        page.delivery_ids, page.delivered, page.channels = self.delivery_ids, self.delivered, self.channels
        page.priorities, page.due_at = self.priorities, self.due_at
        return page


class ExpansionRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(
        self, now: datetime, until: datetime, most: int, kinds: Collection[str]
    ) -> Sequence[Mapping[str, Any]]:
        """Notices of these kinds whose time has come, the oldest first; nobody else has them until then."""
        rows = await self._database.fetch(CLAIM, now, until, most, list(kinds))
        return sorted(rows, key=lambda row: (row["at"], row["id"]))

    async def advance(
        self, now: datetime, until: datetime, ids: Sequence[str], cursors: Sequence[str], leases: Sequence[datetime]
    ) -> frozenset[str]:
        """Note how far these notices are, and keep them until then; those that this worker still has."""
        rows = await self._database.fetch(ADVANCE, now, until, ids, cursors, leases)
        return frozenset(str(row["id"]) for row in rows)

    async def write(self, page: Page, now: datetime) -> frozenset[str]:
        """The ids of notifications that were not there before."""
        rows = await self._database.fetch(
            WRITE,
            page.ids,
            page.notice_ids,
            page.user_ids,
            page.in_app,
            now,
            page.delivery_ids,
            page.delivered,
            page.channels,
            page.priorities,
            page.due_at,
        )
        return frozenset(str(row["id"]) for row in rows)

    async def finish(self, ids: Sequence[str], lease: datetime) -> None:
        await self._database.fetch(FINISH, list(ids), lease)

    async def last_page(self, id: str, written_at: datetime) -> Sequence[Mapping[str, Any]]:
        return await self._database.fetch(LAST_PAGE, id, written_at)

    async def take_out(self, id: str, now: datetime, most: int) -> Sequence[Mapping[str, Any]]:
        """Take a page of notifications of a notice out of lists."""
        return await self._database.fetch(TAKE_OUT, id, now, most)

    async def skip(self, notification_ids: Sequence[str], reason: str) -> None:
        await self._database.fetch(SKIP, list(notification_ids), reason)

    async def taken_out(self, id: str) -> None:
        """It is withdrawn, unless some of it is still in a list."""
        await self._database.fetch(TAKEN_OUT, id)
