"""The routes of files. Each answers CSV, XLSX or Parquet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from gateway.auth.policy import Policy, signed_in
from gateway.contract import Rate
from gateway.http.services import services
from gateway.principal import Principal
from modules.analytics.boards.routes import READERS
from modules.analytics.boards.settings import BoardSettings
from modules.analytics.dashboards.asked import Asked, By, Kind, Lang, SessionId, asked
from modules.analytics.dashboards.routes import ADMINS, STAFF, Name, Points
from modules.analytics.dashboards.routes import READERS as MEASURE_READERS
from modules.analytics.exports.exports import Exports
from modules.analytics.exports.formats import FileFormat, FileOperation
from modules.analytics.exports.tables import EVENTS, FIGURES

Format = Annotated[FileFormat, QueryParameter(description="What it is written as")]
EventName = Annotated[
    str | None, QueryParameter(name="name", pattern=r"^[a-z][a-z0-9_.]{0,99}$", description="Only events of this name")
]


@dataclass
class FiguresOperation(FileOperation):
    sample = ",".join(FIGURES.head)


@dataclass
class EventsOperation(FileOperation):
    sample = ",".join(EVENTS.head)


async def measure_file(
    name: Name,
    principal: NamedDependency[Principal],
    exports: NamedDependency[Exports],
    asked: NamedDependency[Asked],
    by: By = None,
    session: SessionId = "",
    kind: Kind = "",
    format: Format = "csv",
) -> Stream:
    """A measure as a file, with the figures that its route answers."""
    return await exports.measure(principal, name, asked, by, session, kind, format)


async def student_file(
    principal: NamedDependency[Principal],
    exports: NamedDependency[Exports],
    asked: NamedDependency[Asked],
    step: Points = None,
    format: Format = "csv",
) -> Stream:
    """Your own dashboard as a file."""
    return await exports.dashboard(principal, "student", asked, step, format)


async def mentor_file(
    principal: NamedDependency[Principal],
    exports: NamedDependency[Exports],
    asked: NamedDependency[Asked],
    step: Points = None,
    format: Format = "csv",
) -> Stream:
    """The dashboard of your programs as a file."""
    return await exports.dashboard(principal, "mentor", asked, step, format)


async def admin_file(
    principal: NamedDependency[Principal],
    exports: NamedDependency[Exports],
    asked: NamedDependency[Asked],
    step: Points = None,
    format: Format = "csv",
) -> Stream:
    """The dashboard of the platform as a file."""
    return await exports.dashboard(principal, "admin", asked, step, format)


async def board_file(
    id: FromPath[UUID],
    principal: NamedDependency[Principal],
    exports: NamedDependency[Exports],
    lang: Lang = "en",
    format: Format = "csv",
) -> Stream:
    """What a board shows you, as a file. Widgets that show you nothing have no rows."""
    return await exports.board(principal, id, format, lang)


async def event_file(
    principal: NamedDependency[Principal],
    exports: NamedDependency[Exports],
    asked: NamedDependency[Asked],
    name: EventName = None,
    format: Format = "csv",
) -> Stream:
    """Raw events as a file. A mentor gets those of their programs, without the pseudonyms of users."""
    return await exports.events(principal, asked, name, format)


def router(exports: Exports, settings: BoardSettings) -> Router:
    rate = Rate(count=settings.query_rate_count, seconds=settings.query_rate_seconds)

    def file(path: str, policy: Policy, operation: type[FileOperation] = FiguresOperation) -> get:
        return get(path, policy=policy, rate=rate, operation_class=operation, dependencies=asked())

    return Router(
        "/analytics/exports",
        route_handlers=[
            file("/measures/{name:str}", MEASURE_READERS)(measure_file),
            file("/dashboards/student", signed_in())(student_file),
            file("/dashboards/mentor", STAFF)(mentor_file),
            file("/dashboards/admin", ADMINS)(admin_file),
            get("/boards/{id:uuid}", policy=READERS, rate=rate, operation_class=FiguresOperation)(board_file),
            file("/events", STAFF, EventsOperation)(event_file),
        ],
        dependencies=services(exports=exports),
    )
