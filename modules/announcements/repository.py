"""The rows of announcements: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from modules.announcements.messages import Announcement, AnnouncementRecord
from modules.announcements.states import AnnouncementStatus
from modules.announcements.tables import AnnouncementRow

SHOWN_COLUMNS: Final = ", ".join(Announcement.__struct_fields__)
COLUMNS: Final = ", ".join(AnnouncementRecord.__struct_fields__)
NEWEST: Final = Sort("newest", (AnnouncementRow.created_at, AnnouncementRow.id), descending=True)

ONE: Final = f"SELECT {COLUMNS} FROM announcement WHERE id = $1"  # noqa: S608
EXISTS: Final = "SELECT FROM announcement WHERE id = $1"
INSERT: Final = f"INSERT INTO announcement ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"  # noqa: S608
UPDATE: Final = """
    UPDATE announcement
    SET audience = $2, title = $3, text = $4, status = $5, publish_at = $6, expires_at = $7, rev = $8
    WHERE id = $1
"""
SHOWN: Final = f"""
    SELECT {SHOWN_COLUMNS} FROM announcement
    WHERE status = 'published' AND expires_at > $1 AND audience = ANY($2) ORDER BY publish_at DESC, id DESC
"""  # noqa: S608
PROGRAM_AUDIENCES: Final = """
    SELECT DISTINCT audience FROM announcement
    WHERE status = 'published' AND expires_at > $1 AND audience LIKE 'program:%'
"""
LOCK_AUDIENCE: Final = "SELECT pg_advisory_xact_lock(hashtext('announcement'), hashtext($1))"
COUNT_OPEN: Final = """
    SELECT count(*) AS count FROM announcement
    WHERE audience = $1 AND status IN ('scheduled', 'published') AND expires_at > $2 AND id <> $3
"""
CREATED_BY: Final = "SELECT id, title, text, created_at FROM announcement WHERE created_by = $1 ORDER BY created_at"


class AnnouncementRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, id: UUID) -> AnnouncementRecord | None:
        return await self._one(ONE, id)

    async def lock(self, id: UUID) -> AnnouncementRecord | None:
        """The announcement. Nobody else changes it until the transaction ends."""
        return await self._one(f"{ONE} FOR UPDATE", id)

    async def lock_if_free(self, id: UUID) -> AnnouncementRecord | None:
        """The same without waiting; None also when another transaction holds it."""
        return await self._one(f"{ONE} FOR UPDATE SKIP LOCKED", id)

    async def exists(self, id: UUID) -> bool:
        return bool(await self._database.fetch(EXISTS, id))

    async def insert(self, new: AnnouncementRecord) -> None:
        await self._database.fetch(INSERT, *msgspec.structs.astuple(new))

    async def update(self, changed: AnnouncementRecord) -> None:
        """Write everything but who created it and when."""
        await self._database.fetch(UPDATE, *msgspec.structs.astuple(changed.shown()))

    async def page(self, span: Span, status: AnnouncementStatus | None) -> Page[AnnouncementRecord]:
        """All announcements, or those of one status, the newest first."""
        query = AnnouncementRow.select()
        if status is not None:
            query = query.where(AnnouncementRow.status == status.value)
        with self._database.guard():
            return await page_of(query, NEWEST, span, AnnouncementRecord)

    async def shown(self, audiences: Sequence[str], now: datetime) -> list[Announcement]:
        """What these audiences are shown, the newest first."""
        rows = await self._database.fetch(SHOWN, now, audiences)
        return [msgspec.convert(row, Announcement) for row in rows]

    async def program_audiences(self, now: datetime) -> list[str]:
        """The audiences of programs that are shown something."""
        return [row["audience"] for row in await self._database.fetch(PROGRAM_AUDIENCES, now)]

    async def lock_audience(self, audience: str) -> None:
        """Nobody else adds an announcement for this audience until the transaction ends."""
        await self._database.fetch(LOCK_AUDIENCE, audience)

    async def count_open(self, audience: str, now: datetime, *, besides: UUID) -> int:
        """How many announcements of the audience are scheduled or shown, without one of them."""
        rows = await self._database.fetch(COUNT_OPEN, audience, now, besides)
        return int(rows[0]["count"])

    async def created_by(self, user: str) -> list[dict[str, Any]]:
        """What the user announced, as their export shows it."""
        return [dict(row) for row in await self._database.fetch(CREATED_BY, user)]

    async def _one(self, statement: str, id: UUID) -> AnnouncementRecord | None:
        for row in await self._database.fetch(statement, id):
            return msgspec.convert(row, AnnouncementRecord)
        return None
