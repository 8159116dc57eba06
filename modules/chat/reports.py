"""Reports: a member says that a message should not be there; hosts and admins decide.

`open` becomes `upheld` or `dismissed`, once. What happens to the message is another matter: it is deleted, or not, by
the commands for that.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec

from gateway import clock
from gateway.contract import Context, Kernel
from gateway.errors import Refused, forbidden, invalid, not_found
from gateway.http.listing import Page, Sort, Span, page_of
from gateway.identifier import new_id
from gateway.principal import Principal, Role
from modules.accounts.facade import record
from modules.chat import errors
from modules.chat.messages import Report, Revised
from modules.chat.pushes import REPORTED, post
from modules.chat.service import Chat
from modules.chat.settings import ChatSettings
from modules.chat.tables import ReportRow
from modules.live.facade import roles_in, session_facts

NEWEST: Final = Sort("newest", (ReportRow.created_at, ReportRow.id), descending=True)
MADE: Final = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)

# One user's reports of a session are made one after the other.
LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('chat_report'), hashtext($1))"
FOUND: Final = "SELECT rev FROM chat_report WHERE session_id = $1 AND seq = $2 AND reporter_id = $3"
COUNT: Final = "SELECT count(*) AS count FROM chat_report WHERE session_id = $1 AND reporter_id = $2"
OPEN: Final = "SELECT * FROM chat_report WHERE session_id = $1 AND status = 'open' ORDER BY created_at, id LIMIT 200"


class Status(StrEnum):
    OPEN = "open"
    UPHELD = "upheld"
    DISMISSED = "dismissed"


class ReportView(msgspec.Struct, frozen=True):
    """A reported message as it was, and what became of the report; also the data of `chat.reported`."""

    id: UUID
    session_id: str
    seq: int
    author_id: str
    text: str
    reason: str
    reporter_id: str
    status: Status
    note: str
    resolved_by: str | None
    resolved_at: datetime | None
    created_at: datetime
    rev: int

    @classmethod
    def example(cls) -> ReportView:
        id = UUID("01a2130d-48bf-7174-b972-596a06fb2346")
        return cls(id, "algebra-1", 991, "u8", "…", "rude", "u7", Status.OPEN, "", None, None, MADE, 1)


class Verdict(msgspec.Struct, frozen=True):
    """What was decided, and why."""

    status: Literal["upheld", "dismissed"]
    note: Annotated[str, msgspec.Meta(max_length=500, pattern=r"^[^\x00]*$")] = ""

    @classmethod
    def example(cls) -> Verdict:
        return cls("upheld", "Deleted, and muted for the day.")


class OpenReports(msgspec.Struct, frozen=True):
    """Those that nobody has decided, the oldest first; a part of the staff room's snapshot."""

    reports: tuple[ReportView, ...]


class Reports:
    def __init__(self, kernel: Kernel, settings: ChatSettings, chat: Chat) -> None:
        self._kernel = kernel
        self._settings = settings
        self._chat = chat

    async def report(self, context: Context, request: Report) -> Revised:
        """Report somebody else's message, in the caller's transaction; again, it changes nothing.

        Raises BadInput `not_found` or `invalid`, Conflict `chat.too_many_reports`, or Unavailable.
        """
        if "\0" in request.reason:
            raise invalid("reason has a NUL character", field="reason")
        message = await self._chat.read(context, request.seq)
        session, reporter = context.room_id, context.principal.id
        if message.author is not None and message.author.id == reporter:
            raise invalid("this is your own message: delete it", field="seq")
        database = self._kernel.database
        await database.fetch(LOCK, f"{session} {reporter}")
        for row in await database.fetch(FOUND, session, request.seq, reporter):
            return Revised(row["rev"])
        (counted,) = await database.fetch(COUNT, session, reporter)
        if counted["count"] >= self._settings.reports:
            raise errors.too_many_reports(self._settings.reports)
        made = ReportView(
            id=UUID(new_id()),
            session_id=session,
            seq=request.seq,
            author_id=message.author.id if message.author is not None else "",
            text=post(message).text,
            reason=request.reason,
            reporter_id=reporter,
            status=Status.OPEN,
            note="",
            resolved_by=None,
            resolved_at=None,
            created_at=clock.now(),
            rev=1,
        )
        await ReportRow.insert(ReportRow(**msgspec.structs.asdict(made)))
        await self._kernel.rooms.publish_row(f"staff:{session}", REPORTED, made)
        return Revised(made.rev)

    async def open(self, context: Context) -> OpenReports:
        """What is open in the session of a staff room; raises Unavailable."""
        rows = await self._kernel.database.fetch(OPEN, context.room_id)
        return OpenReports(tuple(msgspec.convert(dict(row), ReportView) for row in rows))

    async def listing(self, span: Span, status: Status | None, session: str | None) -> Page[ReportView]:
        """Reports, the newest first."""
        query = ReportRow.select()
        if status is not None:
            query = query.where(ReportRow.status == status.value)
        if session is not None:
            query = query.where(ReportRow.session_id == session)
        return await page_of(query, NEWEST, span, ReportView)

    async def of_session(
        self, principal: Principal, session: str, span: Span, status: Status | None
    ) -> Page[ReportView]:
        """Those of one session; raises BadInput `not_found`, Refused `forbidden` or Unavailable."""
        await self._check_host(principal, session)
        return await self.listing(span, status, session)

    async def read(self, principal: Principal, id: UUID) -> ReportView:
        """Raises BadInput `not_found` for one of a session that is not theirs, and Unavailable."""
        with self._kernel.database.guard():
            row = await ReportRow.select().where(ReportRow.id == id).first()
        return await self._theirs(principal, row)

    async def resolve(self, principal: Principal, id: UUID, verdict: Verdict) -> ReportView:
        """Decide a report; deciding it the same again changes nothing.

        Raises BadInput `not_found`, Conflict `chat.resolved` or Unavailable.
        """
        async with self._kernel.database.transaction():
            row = await ReportRow.select().where(ReportRow.id == id).first().lock_rows("UPDATE")
            found = await self._theirs(principal, row)
            status = Status(verdict.status)
            if found.status is status:
                return found
            if found.status is not Status.OPEN:
                raise errors.resolved(found.status)
            decided = msgspec.structs.replace(
                found,
                status=status,
                note=verdict.note,
                resolved_by=principal.id,
                resolved_at=clock.now(),
                rev=found.rev + 1,
            )
            values: dict[Any, Any] = msgspec.structs.asdict(decided)
            await ReportRow.update(values).where(ReportRow.id == id)
            await self._kernel.rooms.publish_row(f"staff:{found.session_id}", REPORTED, decided)
            await record(
                self._kernel.database,
                principal,
                "chat.resolve",
                str(id),
                {"session": found.session_id, "status": status.value},
            )
        return decided

    async def _theirs(self, principal: Principal, row: dict[str, Any] | None) -> ReportView:
        """Whether there is such a report is nobody else's business."""
        if row is None:
            raise not_found("there is no such report")
        found = msgspec.convert(row, ReportView)
        try:
            await self._check_host(principal, found.session_id)
        except Refused:
            raise not_found("there is no such report") from None
        return found

    async def _check_host(self, principal: Principal, session: str) -> None:
        with self._kernel.database.guard():
            if await session_facts(self._kernel.database, session) is None:
                raise not_found("there is no such session")
            if principal.role is Role.ADMIN:
                return
            if (await roles_in(self._kernel.database, session, [principal.id])).get(principal.id) != "host":
                raise forbidden("these reports are for the session's mentors")
