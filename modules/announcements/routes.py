"""The routes of announcements."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Response, Router, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from gateway.auth.policy import roles, signed_in
from gateway.http.etag import IfMatch, tagged
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.announcements.messages import AnnouncementChange, AnnouncementRecord, Current, NewAnnouncement
from modules.announcements.service import Announcements
from modules.announcements.states import AnnouncementStatus

ADMIN = roles(Role.ADMIN)


@post("/", policy=ADMIN, idempotent=True)
async def create(
    data: JSONBody[NewAnnouncement],
    principal: NamedDependency[Principal],
    announcements: NamedDependency[Announcements],
) -> Response[AnnouncementRecord]:
    """Announce something, now or later."""
    made = await announcements.create(principal, data)
    return tagged(made, status=201, headers={"Location": f"/api/v1/announcements/{made.id}"})


@get("/", policy=ADMIN)
async def listing(
    span: NamedDependency[Span],
    announcements: NamedDependency[Announcements],
    status: Annotated[AnnouncementStatus | None, QueryParameter(description="Only those of this status")] = None,
) -> Page[AnnouncementRecord]:
    """All announcements, the newest first, also those that are over."""
    return await announcements.page(span, status)


@get("/current", policy=signed_in())
async def current(principal: NamedDependency[Principal], announcements: NamedDependency[Announcements]) -> Current:
    """What is shown to you now: to all, to your role and to the programs you take part in."""
    return await announcements.current(principal)


@get("/{id:uuid}", policy=ADMIN)
async def read(id: FromPath[UUID], announcements: NamedDependency[Announcements]) -> Response[AnnouncementRecord]:
    """One announcement."""
    return tagged(await announcements.read(id))


@patch("/{id:uuid}", policy=ADMIN)
async def change(
    id: FromPath[UUID],
    data: JSONBody[AnnouncementChange],
    principal: NamedDependency[Principal],
    announcements: NamedDependency[Announcements],
    if_match: NamedDependency[IfMatch],
) -> Response[AnnouncementRecord]:
    """Change an announcement that is not published yet."""
    return tagged(await announcements.change(principal, id, data, if_match))


@post("/{id:uuid}/withdraw", policy=ADMIN, status_code=200)
async def withdraw(id: FromPath[UUID], announcements: NamedDependency[Announcements]) -> Response[AnnouncementRecord]:
    """Take an announcement back, before it is published or while it is shown; doing it again changes nothing."""
    return tagged(await announcements.withdraw(id))


def router(announcements: Announcements) -> Router:
    return Router(
        "/announcements",
        route_handlers=[create, listing, current, read, change, withdraw],
        dependencies=services(announcements=announcements),
    )
