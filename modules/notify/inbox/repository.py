"""The rows of the list in the app: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from modules.notify.facade import IN_APP
from modules.notify.inbox.messages import Unread
from modules.notify.inbox.tables import NotificationRow

NEWEST: Final = Sort("newest", (NotificationRow.id,), descending=True)

COLUMNS: Final = "id, notice_id, kind, subject, user_id, created_at, seen_at, read_at, rev"
FIND: Final = f"""
    SELECT {COLUMNS} FROM notify_notification WHERE user_id = $1 AND id = ANY($2) AND withdrawn_at IS NULL ORDER BY id
"""  # noqa: S608
DATA: Final = "SELECT id, data FROM notify_notice WHERE id = ANY($1)"
# Rows are locked in one order, so that two devices wait for each other and never in a circle.
READ: Final = """
    WITH held AS (
        SELECT id FROM notify_notification
        WHERE user_id = $1 AND (id = ANY($2) OR id <= $3) AND read_at IS NULL AND withdrawn_at IS NULL
        ORDER BY id FOR UPDATE
    )
    UPDATE notify_notification AS one SET read_at = $4, seen_at = coalesce(seen_at, $4), rev = rev + 1
    FROM held WHERE one.id = held.id RETURNING one.id
"""
SEEN: Final = """
    WITH held AS (
        SELECT id FROM notify_notification
        WHERE user_id = $1 AND id <= $2 AND seen_at IS NULL AND withdrawn_at IS NULL ORDER BY id FOR UPDATE
    )
    UPDATE notify_notification AS one SET seen_at = $3, rev = rev + 1
    FROM held WHERE one.id = held.id RETURNING one.id
"""
# No notification that comes later may lie below the mark.
LAST_TO: Final = """
    SELECT id FROM notify_notification WHERE user_id = $1 AND id <= $2 ORDER BY id DESC LIMIT 1
"""
READ_TO: Final = """
    INSERT INTO notify_inbox AS inbox (user_id, rev, read_to) VALUES ($1, 1, $2)
    ON CONFLICT (user_id) DO UPDATE SET rev = inbox.rev + 1, read_to = EXCLUDED.read_to
    WHERE inbox.read_to IS NULL OR inbox.read_to < EXCLUDED.read_to
    RETURNING rev
"""
# What is a part of a digest is looked at when that is sent: it may carry others.
CANCEL: Final = """
    WITH held AS (
        SELECT delivery.id FROM notify_delivery AS delivery JOIN notify_notification AS one ON one.id = notification_id
        WHERE notification_id = ANY($1) AND state = 'waiting' AND digest_id IS NULL
            AND channel <> ALL($2) AND one.kind <> ALL($3)
        ORDER BY delivery.id FOR UPDATE OF delivery
    )
    UPDATE notify_delivery AS delivery SET state = 'skipped', reason = 'read' FROM held WHERE delivery.id = held.id
"""
OPEN: Final = """
    UPDATE notify_notification SET opened_at = coalesce(opened_at, $3), rev = rev + 1
    WHERE id = $2 AND user_id = $1 AND withdrawn_at IS NULL AND opened_at IS NULL
"""
OPENED: Final = """
    UPDATE notify_delivery SET opened_at = coalesce(opened_at, $3),
        state = CASE WHEN state = 'sending' THEN state ELSE 'opened' END
    WHERE notification_id = $1 AND channel = $2 AND state IN ('sending', 'unknown', 'sent', 'delivered')
"""
# Counted from the rows each time, so that no error of an earlier count stays.
UNREAD: Final = """
    SELECT reader.user_id, coalesce(inbox.rev, 0) AS rev, inbox.read_to,
        count(one.id) FILTER (WHERE one.read_at IS NULL) AS unread,
        count(one.id) FILTER (WHERE one.seen_at IS NULL) AS unseen
    FROM unnest($1::text[]) AS reader (user_id)
    LEFT JOIN notify_inbox AS inbox ON inbox.user_id = reader.user_id
    LEFT JOIN notify_notification AS one ON one.user_id = reader.user_id AND one.in_app AND one.withdrawn_at IS NULL
        AND (one.read_at IS NULL OR one.seen_at IS NULL)
    GROUP BY 1, 2, 3
"""


class NotificationRecord(msgspec.Struct, frozen=True):
    id: UUID
    notice_id: UUID
    kind: str
    subject: str
    user_id: str
    created_at: datetime
    seen_at: datetime | None
    read_at: datetime | None
    rev: int


class InboxRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, user_id: str, span: Span, *, unread: bool) -> Page[NotificationRecord]:
        """What stands in a user's list, the newest first."""
        query = NotificationRow.select().where(
            NotificationRow.user_id == user_id,
            NotificationRow.in_app.eq(True),
            NotificationRow.withdrawn_at.is_null(),
        )
        if unread:
            query = query.where(NotificationRow.read_at.is_null())
        with self._database.guard():
            return await page_of(query, NEWEST, span, NotificationRecord)

    async def find(self, user_id: str, ids: Collection[UUID]) -> list[NotificationRecord]:
        """Those of these notifications that are the user's, also where the list does not show them."""
        rows = await self._database.fetch(FIND, user_id, list(ids))
        return [msgspec.convert(row, NotificationRecord) for row in rows]

    async def data(self, notices: Collection[UUID]) -> Mapping[UUID, str]:
        """The data of notices, as JSON."""
        rows = await self._database.fetch(DATA, list({*notices}))
        return {row["id"]: row["data"] for row in rows}

    async def read(
        self, user_id: str, ids: Collection[UUID], now: datetime, *, to: UUID | None = None
    ) -> Sequence[UUID]:
        """Write that these were read, or all up to one; gives those that were unread before."""
        rows = await self._database.fetch(READ, user_id, list(ids), to, now)
        return [row["id"] for row in rows]

    async def last_to(self, user_id: str, to: UUID) -> UUID | None:
        """The user's newest notification that is not newer than `to`; None without one."""
        for row in await self._database.fetch(LAST_TO, user_id, to):
            return UUID(str(row["id"]))
        return None

    async def move_read_to(self, user_id: str, to: UUID) -> bool:
        """Write that all up to this one were read; false when it was so."""
        return bool(await self._database.fetch(READ_TO, user_id, to))

    async def seen(self, user_id: str, to: UUID, now: datetime) -> bool:
        """Whether any of these had not been seen."""
        return bool(await self._database.fetch(SEEN, user_id, to, now))

    async def cancel(self, ids: Collection[UUID], *, besides: Collection[str], receipts: Collection[str]) -> None:
        """What still waits of these notifications is not sent; but by some channels, and kinds that are receipts."""
        await self._database.fetch(CANCEL, list(ids), list(besides), list(receipts))

    async def open(self, user_id: str, id: UUID, channel: str, now: datetime) -> None:
        await self._database.fetch(OPEN, user_id, id, now)
        if channel != IN_APP:
            await self._database.fetch(OPENED, id, channel, now)

    async def unread(self, user_ids: Collection[str]) -> Mapping[str, Unread]:
        """The counts of each of these users."""
        rows = await self._database.fetch(UNREAD, list(user_ids))
        return {row["user_id"]: msgspec.convert(row, Unread) for row in rows}
