"""The rows of reports: every statement, and what it gives.

Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from modules.chat.pushes import ReportView
from modules.chat.states import ReportStatus
from modules.chat.tables import ReportRow

# The files are rows of files, and the session is in the name of the room.
COLUMNS: Final = tuple(name for name in ReportView.__struct_fields__ if name not in ("files", "session_id"))
REPORT_COLUMNS: Final = ", ".join(COLUMNS)
# One user's reports of a room are made one after the other.
LOCK_REPORTER: Final = "SELECT pg_advisory_xact_lock(hashtext('chat_report'), hashtext($1))"
REV_OF_REPORT: Final = "SELECT rev FROM chat_report WHERE room = $1 AND seq = $2 AND reporter_id = $3"
COUNT_OF_REPORTER: Final = "SELECT count(*) AS count FROM chat_report WHERE room = $1 AND reporter_id = $2"
INSERT_REPORT: Final = f"""
    INSERT INTO chat_report ({REPORT_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""  # noqa: S608
OPEN_REPORTS: Final = f"""
    SELECT {REPORT_COLUMNS} FROM chat_report WHERE room = $1 AND status = 'open' ORDER BY created_at, id LIMIT 200
"""  # noqa: S608
REPORT: Final = f"SELECT {REPORT_COLUMNS} FROM chat_report WHERE id = $1"  # noqa: S608
LOCK_REPORT: Final = f"{REPORT} FOR UPDATE"
DECIDE_REPORT: Final = """
    UPDATE chat_report SET status = $2, note = $3, resolved_by = $4, resolved_at = $5, rev = $6 WHERE id = $1
"""
ABOUT: Final = "SELECT id FROM chat_report WHERE author_id = $1"
NEWEST: Final = Sort("newest", (ReportRow.created_at, ReportRow.id), descending=True)


class ReportRepository:
    """Reported messages. One user reports a message once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock_reporter(self, room: str, reporter: str) -> None:
        """Nobody else writes reports of this user and room until the transaction ends."""
        await self._database.fetch(LOCK_REPORTER, f"{room} {reporter}")

    async def rev_of(self, room: str, seq: int, reporter: str) -> int | None:
        """The revision of the user's report of this message; None when there is none."""
        for row in await self._database.fetch(REV_OF_REPORT, room, seq, reporter):
            return int(row["rev"])
        return None

    async def count_of(self, room: str, reporter: str) -> int:
        """How many messages of the room the user has reported."""
        (row,) = await self._database.fetch(COUNT_OF_REPORTER, room, reporter)
        return int(row["count"])

    async def insert(self, report: ReportView) -> None:
        await self._database.fetch(INSERT_REPORT, *(getattr(report, name) for name in COLUMNS))

    async def about(self, author: str) -> list[UUID]:
        """The reports of a user's messages."""
        return [row["id"] for row in await self._database.fetch(ABOUT, author)]

    async def open(self, room: str) -> tuple[ReportView, ...]:
        """The room's first 200 open reports, the oldest first."""
        return tuple(_report(row) for row in await self._database.fetch(OPEN_REPORTS, room))

    async def page(self, span: Span, status: ReportStatus | None, room: str | None) -> Page[ReportView]:
        """Reports of a status and a room, or of all; the newest first."""
        query = ReportRow.select()
        if status is not None:
            query = query.where(ReportRow.status == status.value)
        if room is not None:
            query = query.where(ReportRow.room == room)
        with self._database.guard():
            page = await page_of(query, NEWEST, span, ReportView)
        return Page([_view(report) for report in page.items], page.next)

    async def find(self, id: UUID) -> ReportView | None:
        for row in await self._database.fetch(REPORT, id):
            return _report(row)
        return None

    async def lock(self, id: UUID) -> ReportView | None:
        """The same. Nobody else changes it until the transaction ends."""
        for row in await self._database.fetch(LOCK_REPORT, id):
            return _report(row)
        return None

    async def decide(self, report: ReportView) -> None:
        """Write the decision about a report that is locked."""
        await self._database.fetch(
            DECIDE_REPORT,
            report.id,
            report.status.value,
            report.note,
            report.resolved_by,
            report.resolved_at,
            report.rev,
        )


def _report(row: Mapping[str, Any]) -> ReportView:
    return _view(msgspec.convert(dict(row), ReportView))


def _view(report: ReportView) -> ReportView:
    """The report with the session that its room belongs to, if it is a session's."""
    kind, _, id = report.room.partition(":")
    return msgspec.structs.replace(report, session_id=id) if kind == "session" else report
