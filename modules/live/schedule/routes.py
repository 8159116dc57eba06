"""The routes of series and of calendar feeds."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from gateway.auth.policy import otherwise, roles, signed_in
from gateway.http.etag import IfMatch, tagged
from gateway.principal import Principal, Role
from modules.live.policies import Id
from modules.live.schedule.calendar_feed import CalendarFeeds
from modules.live.schedule.messages import CalendarAddress, NewSeries, SeriesChange, SeriesView
from modules.live.schedule.series import Series

File = Annotated[str, PathParameter(pattern=r"^[A-Za-z0-9_-]{43}\.ics$", description="The secret, and `.ics`")]
EDITORS = roles(Role.MENTOR, Role.ADMIN, owner="they teach the program, or are an admin")


@post("/", policy=EDITORS, idempotent=True)
async def create_series(
    data: JSONBody[NewSeries], principal: NamedDependency[Principal], series: NamedDependency[Series]
) -> Response[SeriesView]:
    """Schedule sessions that recur. Each is a session like any other."""
    made = await series.create(principal, data)
    return tagged(made, status=201, headers={"Location": f"/api/v1/series/{made.id}"})


# Not conditional: the number of sessions changes without a new `rev`.
@get("/{id:str}", policy=signed_in(owner="they take part in its program"), conditional=False)
async def read_series(
    id: Id, principal: NamedDependency[Principal], series: NamedDependency[Series]
) -> Response[SeriesView]:
    """One series."""
    return tagged(await series.read(principal, id))


@patch("/{id:str}", policy=EDITORS)
async def change_series(
    id: Id,
    data: JSONBody[SeriesChange],
    principal: NamedDependency[Principal],
    series: NamedDependency[Series],
    if_match: NamedDependency[IfMatch],
) -> Response[SeriesView]:
    """Change every session of the series that is still to come. A new time moves them, except for those that were moved
    by themselves."""
    return tagged(await series.change(principal, id, data, if_match))


@post("/{id:str}/cancel", policy=EDITORS, status_code=200)
async def cancel_series(id: Id, principal: NamedDependency[Principal], series: NamedDependency[Series]) -> SeriesView:
    """Cancel every session of the series that has not begun. A second time changes nothing."""
    return await series.cancel(principal, id)


@post("/", policy=signed_in())
async def address(
    request: Request[Any, Any, Any],
    principal: NamedDependency[Principal],
    feeds: NamedDependency[CalendarFeeds],
    public_url: NamedDependency[str],
) -> CalendarAddress:
    """Make the address of your calendar feed. An address that you had before ends."""
    secret = await feeds.create(principal.id)
    return CalendarAddress(f"{public_url or str(request.base_url).rstrip('/')}/api/v1/calendars/{secret}.ics")


@delete("/", policy=signed_in())
async def end_address(principal: NamedDependency[Principal], feeds: NamedDependency[CalendarFeeds]) -> None:
    """End your calendar feed."""
    await feeds.end(principal.id)


@get("/{file:str}", policy=otherwise("the secret of a calendar"), media_type="text/calendar", any_query=True)
async def feed(file: File, feeds: NamedDependency[CalendarFeeds]) -> Response[bytes]:
    """The sessions of the user to whom the address belongs, as iCalendar (RFC 5545)."""
    content = await feeds.read(file.removesuffix(".ics"))
    return Response(content, media_type="text/calendar", headers={"Cache-Control": "private, max-age=300"})
