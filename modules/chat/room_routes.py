"""The routes of a room for those who moderate it: its reports, and who is muted."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from gateway.auth.policy import roles
from gateway.http.listing import Page, Span
from gateway.principal import Principal, Role
from modules.chat.mutes import Mutes
from modules.chat.pushes import MuteList, ReportView
from modules.chat.reports import Reports
from modules.chat.room_path import RoomPath
from modules.chat.states import ReportStatus

MODERATORS: Final = roles(Role.MENTOR, Role.ADMIN, owner="they moderate the room, or are an admin")


@get("/rooms/{room:str}/reports", policy=MODERATORS)
async def reports_of(
    room: RoomPath,
    span: NamedDependency[Span],
    principal: NamedDependency[Principal],
    reports: NamedDependency[Reports],
    status: Annotated[ReportStatus | None, QueryParameter(description="Only reports of this status")] = None,
) -> Page[ReportView]:
    """Reported messages of one room, the newest first."""
    return await reports.of_room(principal, room, span, status)


@get("/rooms/{room:str}/mutes", policy=MODERATORS)
async def mutes_of(room: RoomPath, principal: NamedDependency[Principal], mutes: NamedDependency[Mutes]) -> MuteList:
    """Who is muted in a room now, the oldest mute first."""
    return await mutes.of_room(principal, room)
