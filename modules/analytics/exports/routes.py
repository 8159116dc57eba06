"""The routes of files. Each answers CSV, XLSX or Parquet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath, PathParameter, QueryParameter
from litestar.response import Stream

from gateway.auth.policy import roles, signed_in
from gateway.contract import Rate
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.analytics.boards.messages import Fixed, Question, WidgetFilters
from modules.analytics.boards.routes import READERS, Language
from modules.analytics.boards.settings import BoardSettings
from modules.analytics.exports.exports import EventFilters, Exports
from modules.analytics.exports.formats import FileFormat, FileOperation
from modules.analytics.exports.tables import EVENTS, FIGURES
from modules.analytics.measures.measure import Dimension
from modules.analytics.measures.window import WHEN

STAFF: Final = roles(Role.MENTOR, Role.ADMIN)
ID: Final = "^[A-Za-z0-9_-]{1,64}$"
Name = Annotated[str, PathParameter(pattern="^[a-z][a-z0-9_]{0,63}$")]
Format = Annotated[FileFormat, QueryParameter(description="What it is written as")]
From = Annotated[
    str | None, QueryParameter(name="from", pattern=WHEN, description="A day or a moment; by default 28 days")
]
Until = Annotated[str | None, QueryParameter(pattern=WHEN, description="Before this day or moment")]
By = Annotated[Dimension | None, QueryParameter(description="What the measure is divided by")]
Program = Annotated[str | None, QueryParameter(pattern=ID, description="Only of this program")]
Session = Annotated[str | None, QueryParameter(pattern=ID, description="Only of this session")]
Kind = Annotated[str | None, QueryParameter(pattern="^[A-Za-z0-9_.-]{1,64}$", description="Only of this kind")]
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
    since: From = None,
    until: Until = None,
    by: By = None,
    program: Program = None,
    session: Session = None,
    kind: Kind = None,
    lang: Language = "en",
    format: Format = "csv",
) -> Stream:
    """A measure as a file, with the figures that its route answers."""
    filters = WidgetFilters(programs=[program] if program else [], session=session, kind=kind)
    question = Question(measure=name, by=by, filters=filters, window=Fixed(since=since, until=until))
    return await exports.measure(principal, question, format, lang)


async def board_file(
    id: FromPath[UUID],
    principal: NamedDependency[Principal],
    exports: NamedDependency[Exports],
    lang: Language = "en",
    format: Format = "csv",
) -> Stream:
    """What a board shows you, as a file. Widgets that show you nothing have no rows."""
    return await exports.board(principal, id, format, lang)


async def event_file(
    principal: NamedDependency[Principal],
    exports: NamedDependency[Exports],
    since: From = None,
    until: Until = None,
    name: EventName = None,
    program: Program = None,
    format: Format = "csv",
) -> Stream:
    """Raw events as a file. A mentor gets those of their programs, without the pseudonyms of users."""
    return await exports.events(principal, EventFilters(since, until, name, program), format)


def router(exports: Exports, settings: BoardSettings) -> Router:
    rate = Rate(count=settings.query_rate_count, seconds=settings.query_rate_seconds)
    of_measure = get("/measures/{name:str}", policy=signed_in(), rate=rate, operation_class=FiguresOperation)
    of_board = get("/boards/{id:uuid}", policy=READERS, rate=rate, operation_class=FiguresOperation)
    of_events = get("/events", policy=STAFF, rate=rate, operation_class=EventsOperation)
    return Router(
        "/analytics/exports",
        route_handlers=[of_measure(measure_file), of_board(board_file), of_events(event_file)],
        dependencies=services(exports=exports),
    )
