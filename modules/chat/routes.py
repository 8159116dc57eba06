"""The routes of chat: reported messages, and what was decided about them; with those of rooms."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter, QueryParameter

from gateway.auth.policy import roles
from gateway.http.etag import tagged
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.chat.messages import Verdict
from modules.chat.mutes import Mutes
from modules.chat.pushes import ReportView
from modules.chat.reports import Reports
from modules.chat.room_routes import mutes_of, reports_of
from modules.chat.states import ReportStatus
from modules.chat.threads.routes import thread_of, threads_of
from modules.chat.threads.threads import Threads

HOSTS = roles(Role.MENTOR, Role.ADMIN, owner="they are a host of the session, or an admin")
Asked = Annotated[ReportStatus | None, QueryParameter(description="Only reports of this status")]


@get("/reports", policy=roles(Role.ADMIN))
async def listing(
    span: NamedDependency[Span], reports: NamedDependency[Reports], status: Asked = None
) -> Page[ReportView]:
    """Reported messages of all sessions, the newest first."""
    return await reports.listing(span, status)


@get("/sessions/{session:str}/reports", policy=HOSTS)
async def of_session(
    session: Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")],
    span: NamedDependency[Span],
    principal: NamedDependency[Principal],
    reports: NamedDependency[Reports],
    status: Asked = None,
) -> Page[ReportView]:
    """Reported messages of one session, the newest first."""
    return await reports.of_room(principal, f"session:{session}", span, status)


@get("/reports/{id:uuid}", policy=HOSTS)
async def read(
    id: FromPath[UUID], principal: NamedDependency[Principal], reports: NamedDependency[Reports]
) -> Response[ReportView]:
    """One report."""
    return tagged(await reports.read(principal, id))


@post("/reports/{id:uuid}/resolve", policy=HOSTS, status_code=200)
async def resolve(
    id: FromPath[UUID],
    data: JSONBody[Verdict],
    principal: NamedDependency[Principal],
    reports: NamedDependency[Reports],
) -> Response[ReportView]:
    """Decide a report, once; deciding it the same again changes nothing."""
    return tagged(await reports.resolve(principal, id, data))


def router(reports: Reports, mutes: Mutes, threads: Threads) -> Router:
    """The routes under `/chat`."""
    handlers = [listing, of_session, read, resolve, reports_of, mutes_of, threads_of, thread_of]
    given = services(reports=reports, mutes=mutes, threads=threads)
    return Router("/chat", route_handlers=handlers, dependencies=given)
