"""Reports: a member says that a message should not be there; those who moderate and admins decide."""

from __future__ import annotations

from uuid import UUID

import msgspec

from gateway import clock
from gateway.contract import Context, Kernel, command, snapshot_part
from gateway.errors import BadInput, Refused, forbidden, invalid, not_found
from gateway.http.listing import Page, Span
from gateway.identifier import new_id
from gateway.principal import Principal
from modules.accounts.facade import record
from modules.chat import errors
from modules.chat.messages import Report, Revised, Verdict
from modules.chat.pushes import REPORTED, OpenReports, ReportView
from modules.chat.report_repository import ReportRepository
from modules.chat.reported_files import ReportedFiles
from modules.chat.room_access import ChatRooms
from modules.chat.room_kinds import MEMBERS, named
from modules.chat.settings import ChatSettings
from modules.chat.states import ReportStatus, check_transition
from modules.chat.stored_message import find_message, post_of
from modules.live.facade import session_room


class Reports:
    """Reported messages, each kept as it was when it was reported."""

    pushes = (REPORTED,)

    def __init__(self, kernel: Kernel, settings: ChatSettings, rooms: ChatRooms) -> None:
        self._kernel = kernel
        self._rooms = rooms
        self._most = settings.reports
        self._rows = ReportRepository(kernel.database)
        self._files = ReportedFiles(kernel)

    @command("chat.report", room=MEMBERS, rate="report_rate", row_first=True)
    async def report(self, context: Context, request: Report) -> Revised:
        """Report somebody else's message, in the caller's transaction; reporting it again changes nothing.

        Raises BadInput `not_found` or `invalid`, Conflict `chat.too_many_reports`, or Unavailable.
        """
        message = await find_message(context, request.seq)
        room, reporter = context.room, context.principal.id
        if message.author is not None and message.author.id == reporter:
            raise invalid("this is your own message: delete it", field="seq")
        await self._rows.lock_reporter(room, reporter)
        rev = await self._rows.rev_of(room, request.seq, reporter)
        if rev is not None:
            return Revised(rev)
        if await self._rows.count_of(room, reporter) >= self._most:
            raise errors.too_many_reports(self._most)
        made = ReportView(
            id=UUID(new_id()),
            room=room,
            session_id=context.room_id if room.startswith("session:") else None,
            seq=request.seq,
            author_id=message.author.id if message.author is not None else "",
            text=post_of(message).text,
            reason=request.reason,
            reporter_id=reporter,
            status=ReportStatus.OPEN,
            note="",
            resolved_by=None,
            resolved_at=None,
            created_at=clock.now(),
            rev=1,
        )
        await self._rows.insert(made)
        made = await self._files.keep(made, post_of(message).files)
        await self._tell(made)
        return Revised(made.rev)

    @snapshot_part("chat.reports", room="staff")
    async def open(self, context: Context) -> OpenReports:
        """The open reports of a staff room's session; raises Unavailable."""
        return OpenReports(await self._files.shown(await self._rows.open(session_room(context.room_id))))

    async def listing(self, span: Span, status: ReportStatus | None) -> Page[ReportView]:
        """Reports of all rooms, the newest first; raises Unavailable."""
        return await self._page(span, status, None)

    async def of_room(
        self, principal: Principal, room: str, span: Span, status: ReportStatus | None
    ) -> Page[ReportView]:
        """Reports of one room; raises BadInput `not_found`, Refused `forbidden` or Unavailable."""
        await self._check_decides(principal, room)
        return await self._page(span, status, room)

    async def read(self, principal: Principal, id: UUID) -> ReportView:
        """One report; raises BadInput `not_found` for one of a room that is not theirs, and Unavailable."""
        (report,) = await self._files.shown([await self._check_theirs(principal, await self._rows.find(id))])
        return report

    async def resolve(self, principal: Principal, id: UUID, verdict: Verdict) -> ReportView:
        """Decide a report; deciding it the same again changes nothing.

        Raises BadInput `not_found`, Conflict `chat.resolved` or Unavailable.
        """
        async with self._kernel.database.transaction():
            found = await self._check_theirs(principal, await self._rows.lock(id))
            status = ReportStatus(verdict.status)
            if found.status is status:
                return found
            check_transition(found.status, status)
            decided = msgspec.structs.replace(
                found,
                status=status,
                note=verdict.note,
                resolved_by=principal.id,
                resolved_at=clock.now(),
                rev=found.rev + 1,
            )
            await self._rows.decide(decided)
            await self._files.release([decided.id])
            await self._tell(decided)
            details = {**named(found.room), "status": status.value}
            await record(self._kernel.database, principal, "chat.resolve", str(id), details)
        return decided

    async def forget(self, user: str) -> None:
        """Let go of the files of a deleted user's messages; inside a transaction."""
        await self._files.release(await self._rows.about(user))

    async def _page(self, span: Span, status: ReportStatus | None, room: str | None) -> Page[ReportView]:
        page = await self._rows.page(span, status, room)
        return Page(list(await self._files.shown(page.items)), page.next)

    async def _check_theirs(self, principal: Principal, found: ReportView | None) -> ReportView:
        """The report, if the user may read it; to anybody else it is as if there were none."""
        if found is None:
            raise not_found("there is no such report")
        try:
            await self._check_decides(principal, found.room)
        except (Refused, BadInput):
            raise not_found("there is no such report") from None
        return found

    async def _check_decides(self, principal: Principal, room: str) -> None:
        if not await self._rooms.moderates(principal, room):
            raise forbidden("these reports are for those who moderate the room")

    async def _tell(self, report: ReportView) -> None:
        """Tell those who decide, in the caller's transaction."""
        for room in await self._rooms.staff_rooms(report.room):
            await self._kernel.rooms.publish_row(room, REPORTED, report)
