"""Reports: a member says that a message should not be there; hosts and admins decide."""

from __future__ import annotations

from uuid import UUID

import msgspec

from gateway import clock
from gateway.contract import Context, Kernel, command, snapshot_part
from gateway.errors import Refused, forbidden, invalid, not_found
from gateway.http.listing import Page, Span
from gateway.identifier import new_id
from gateway.principal import Principal, Role
from modules.accounts.facade import record
from modules.chat import errors
from modules.chat.messages import Report, Revised, Verdict
from modules.chat.pushes import REPORTED, OpenReports, ReportView
from modules.chat.report_repository import ReportRepository
from modules.chat.reported_files import ReportedFiles
from modules.chat.roles import VIEWER
from modules.chat.settings import ChatSettings
from modules.chat.states import ReportStatus, check_transition
from modules.chat.stored_message import find_message, post_of
from modules.live.facade import roles_in, session_facts, staff_room


class Reports:
    """Reported messages, each kept as it was when it was reported."""

    pushes = (REPORTED,)

    def __init__(self, kernel: Kernel, settings: ChatSettings) -> None:
        self._kernel = kernel
        self._most = settings.reports
        self._rows = ReportRepository(kernel.database)
        self._files = ReportedFiles(kernel)

    @command("chat.report", room="session", role=VIEWER, rate="report_rate", row_first=True)
    async def report(self, context: Context, request: Report) -> Revised:
        """Report somebody else's message, in the caller's transaction; reporting it again changes nothing.

        Raises BadInput `not_found` or `invalid`, Conflict `chat.too_many_reports`, or Unavailable.
        """
        message = await find_message(context, request.seq)
        session, reporter = context.room_id, context.principal.id
        if message.author is not None and message.author.id == reporter:
            raise invalid("this is your own message: delete it", field="seq")
        await self._rows.lock_reporter(session, reporter)
        rev = await self._rows.rev_of(session, request.seq, reporter)
        if rev is not None:
            return Revised(rev)
        if await self._rows.count_of(session, reporter) >= self._most:
            raise errors.too_many_reports(self._most)
        made = ReportView(
            id=UUID(new_id()),
            session_id=session,
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
        await self._kernel.rooms.publish_row(staff_room(session), REPORTED, made)
        return Revised(made.rev)

    @snapshot_part("chat.reports", room="staff")
    async def open(self, context: Context) -> OpenReports:
        """The open reports of a staff room's session; raises Unavailable."""
        return OpenReports(await self._files.shown(await self._rows.open(context.room_id)))

    async def listing(self, span: Span, status: ReportStatus | None) -> Page[ReportView]:
        """Reports of all sessions, the newest first; raises Unavailable."""
        return await self._page(span, status, None)

    async def of_session(
        self, principal: Principal, session: str, span: Span, status: ReportStatus | None
    ) -> Page[ReportView]:
        """Reports of one session; raises BadInput `not_found`, Refused `forbidden` or Unavailable."""
        await self._check_host(principal, session)
        return await self._page(span, status, session)

    async def read(self, principal: Principal, id: UUID) -> ReportView:
        """One report; raises BadInput `not_found` for one of a session that is not theirs, and Unavailable."""
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
            await self._kernel.rooms.publish_row(staff_room(found.session_id), REPORTED, decided)
            details = {"session": found.session_id, "status": status.value}
            await record(self._kernel.database, principal, "chat.resolve", str(id), details)
        return decided

    async def forget(self, user: str) -> None:
        """Let go of the files of a deleted user's messages; inside a transaction."""
        await self._files.release(await self._rows.about(user))

    async def _page(self, span: Span, status: ReportStatus | None, session: str | None) -> Page[ReportView]:
        page = await self._rows.page(span, status, session)
        return Page(list(await self._files.shown(page.items)), page.next)

    async def _check_theirs(self, principal: Principal, found: ReportView | None) -> ReportView:
        """The report, if the user may read it; to anybody else it is as if there were none."""
        if found is None:
            raise not_found("there is no such report")
        try:
            await self._check_host(principal, found.session_id)
        except Refused:
            raise not_found("there is no such report") from None
        return found

    async def _check_host(self, principal: Principal, session: str) -> None:
        database = self._kernel.database
        if await session_facts(database, session) is None:
            raise not_found("there is no such session")
        if principal.role is Role.ADMIN:
            return
        if (await roles_in(database, session, [principal.id])).get(principal.id) != "host":
            raise forbidden("these reports are for the session's mentors")
