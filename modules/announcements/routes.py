"""The routes of announcements."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from gateway.auth.policy import roles, signed_in
from gateway.http.etag import IfMatch, tagged
from gateway.http.listing import Page, Sort, Span, page_of
from gateway.principal import Principal, Role
from modules.announcements.messages import AnnouncementChange, AnnouncementRecord, Current, NewAnnouncement
from modules.announcements.service import Announcements
from modules.announcements.states import Status
from modules.announcements.tables import AnnouncementRow

NEWEST = Sort("newest", (AnnouncementRow.created_at, AnnouncementRow.id), descending=True)
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
    status: Annotated[Status | None, QueryParameter(description="Only those that are so")] = None,
) -> Page[AnnouncementRecord]:
    """All announcements, the newest first, whatever became of them."""
    query = AnnouncementRow.select()
    if status is not None:
        query = query.where(AnnouncementRow.status == status.value)
    return await page_of(query, NEWEST, span, AnnouncementRecord)


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
    announcements: NamedDependency[Announcements],
    if_match: NamedDependency[IfMatch],
) -> Response[AnnouncementRecord]:
    """Change an announcement that is not published yet."""
    return tagged(await announcements.change(id, data, if_match))


@post("/{id:uuid}/withdraw", policy=ADMIN, status_code=200)
async def withdraw(id: FromPath[UUID], announcements: NamedDependency[Announcements]) -> Response[AnnouncementRecord]:
    """Take an announcement back, before it is published or while it is shown; doing it again changes nothing."""
    return tagged(await announcements.withdraw(id))
