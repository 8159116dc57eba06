"""The route of a notice."""

from __future__ import annotations

from uuid import UUID

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from gateway.auth.policy import signed_in
from gateway.http.services import services
from gateway.principal import Principal
from modules.notify.facade import NoticeReport
from modules.notify.notices.reports import Reports


@get("/{id:uuid}", policy=signed_in(owner="they told it, they teach its audience, or they are an admin"))
async def read_notice(
    id: FromPath[UUID], principal: NamedDependency[Principal], reports: NamedDependency[Reports]
) -> NoticeReport:
    """What became of a notice: how many were told, by channel, state and reason, and how many have read it."""
    return await reports.read(principal, id)


def router(reports: Reports) -> Router:
    return Router("/notify/notices", route_handlers=[read_notice], dependencies=services(reports=reports))
