"""The routes of attendance and stars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from litestar import Request, Response, Router, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from gateway.auth.policy import signed_in
from gateway.contract import Rate
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.http.spreadsheet import CSV, SpreadsheetOperation, spreadsheet
from gateway.principal import Principal
from modules.live.attendance.csv import csv_of
from modules.live.attendance.rating_repository import StarComment
from modules.live.attendance.ratings import NewStars, OwnStars, Ratings, StarSpread
from modules.live.attendance.report import Attendance, AttendanceRole
from modules.live.attendance.service import Attendances, Curve
from modules.live.policies import HOSTS, OF_PROGRAM, Id

# Each of these reads the rows of everyone who was there.
OFTEN: Final = Rate(count=60, seconds=60.0)
STUDENTS: Final = signed_in(owner="they were in the session, and do not teach it")
Format = Annotated[
    Literal["json", "csv"] | None, QueryParameter(name="format", description="`csv` is all of it; so is `Accept`")
]
Role = Annotated[AttendanceRole | None, QueryParameter(name="role", description="Only viewers, or only hosts")]


@dataclass
class AttendanceOperation(SpreadsheetOperation):
    sample = csv_of([Attendance.example()])


@get("/{id:str}/attendance", policy=HOSTS, rate=OFTEN, operation_class=AttendanceOperation)
async def attendance(
    id: Id,
    request: Request[Any, Any, Any],
    span: NamedDependency[Span],
    principal: NamedDependency[Principal],
    attendances: NamedDependency[Attendances],
    wanted: Format = None,
    role: Role = None,
) -> Response[Page[Attendance]]:
    """Who attended, by user id. While a class goes on, as of a moment ago."""
    headers = {"Vary": "Accept"}
    if wanted == "csv" or (wanted is None and request.accept.best_match(["application/json", CSV]) == CSV):
        return spreadsheet(f"attendance-{id}", await attendances.csv(principal, id, role), headers)
    return Response(await attendances.listing(principal, id, role, span), headers=headers)


@get("/{id:str}/attendance/curve", policy=HOSTS, rate=OFTEN)
async def curve(id: Id, principal: NamedDependency[Principal], attendances: NamedDependency[Attendances]) -> Curve:
    """How many attended when, and in all."""
    return await attendances.curve(principal, id)


@get("/{id:str}/attendance/me", policy=OF_PROGRAM)
async def own_attendance(
    id: Id, principal: NamedDependency[Principal], attendances: NamedDependency[Attendances]
) -> Attendance:
    """Your own attendance."""
    return await attendances.own(principal, id)


@put("/{id:str}/stars", policy=STUDENTS)
async def give_stars(
    id: Id, data: JSONBody[NewStars], principal: NamedDependency[Principal], ratings: NamedDependency[Ratings]
) -> OwnStars:
    """Give a session stars, or change them while that is possible. Its mentors do not see whose they are."""
    return await ratings.give(principal, id, data)


@get("/{id:str}/stars/me", policy=OF_PROGRAM)
async def own_stars(id: Id, principal: NamedDependency[Principal], ratings: NamedDependency[Ratings]) -> OwnStars:
    """The stars you gave."""
    return await ratings.own(principal, id)


@get("/{id:str}/stars", policy=HOSTS)
async def star_spread(id: Id, principal: NamedDependency[Principal], ratings: NamedDependency[Ratings]) -> StarSpread:
    """How many gave how many stars."""
    return await ratings.spread(principal, id)


@get("/{id:str}/stars/comments", policy=HOSTS)
async def star_comments(
    id: Id, span: NamedDependency[Span], principal: NamedDependency[Principal], ratings: NamedDependency[Ratings]
) -> Page[StarComment]:
    """The comments that were given with the stars, without their authors and in no order."""
    return await ratings.comments(principal, id, span)


def router(attendances: Attendances, ratings: Ratings) -> Router:
    return Router(
        "/sessions",
        route_handlers=[attendance, curve, own_attendance, give_stars, own_stars, star_spread, star_comments],
        dependencies=services(attendances=attendances, ratings=ratings),
    )
