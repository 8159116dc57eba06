"""The routes of boards, and of single questions."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from litestar import Response, Router, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from gateway.auth.policy import signed_in
from gateway.contract import Rate
from gateway.http.etag import IfMatch, tagged
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.principal import Principal
from modules.analytics.boards.boards import Boards
from modules.analytics.boards.figures import BoardFigures
from modules.analytics.boards.messages import BoardChange, BoardView, NewBoard, Question
from modules.analytics.boards.questions import Questions
from modules.analytics.boards.settings import BoardSettings
from modules.analytics.dashboards.asked import Lang
from modules.analytics.measures.messages import MeasureFigures

READERS: Final = signed_in(owner="the board is theirs, or is shared with them")
OWNER: Final = signed_in(owner="the board is theirs")


@post("/boards", policy=signed_in(), idempotent=True)
async def create_board(
    data: JSONBody[NewBoard], principal: NamedDependency[Principal], boards: NamedDependency[Boards]
) -> Response[BoardView]:
    """Save a board of widgets, for yourself or to be shared."""
    made = await boards.create(principal, data)
    return tagged(made, status=201, headers={"Location": f"/api/v1/analytics/boards/{made.id}"})


@get("/boards", policy=signed_in())
async def list_boards(
    span: NamedDependency[Span], principal: NamedDependency[Principal], boards: NamedDependency[Boards]
) -> Page[BoardView]:
    """Your boards, and those that are shared with you; the newest first."""
    return await boards.page(principal, span)


@get("/boards/{id:uuid}", policy=READERS)
async def read_board(
    id: FromPath[UUID], principal: NamedDependency[Principal], boards: NamedDependency[Boards]
) -> Response[BoardView]:
    """A board, without figures."""
    return tagged(await boards.read(principal, id))


@patch("/boards/{id:uuid}", policy=OWNER)
async def change_board(
    id: FromPath[UUID],
    data: JSONBody[BoardChange],
    principal: NamedDependency[Principal],
    boards: NamedDependency[Boards],
    if_match: NamedDependency[IfMatch],
) -> Response[BoardView]:
    """Rename a board, give it other widgets, or share it with others."""
    return tagged(await boards.change(principal, id, data, if_match))


@delete("/boards/{id:uuid}", policy=OWNER)
async def delete_board(
    id: FromPath[UUID], principal: NamedDependency[Principal], boards: NamedDependency[Boards]
) -> None:
    """Delete a board, for all with whom it is shared too."""
    await boards.delete(principal, id)


async def board_figures(
    id: FromPath[UUID],
    principal: NamedDependency[Principal],
    boards: NamedDependency[Boards],
    lang: Lang = "en",
) -> BoardFigures:
    """What a board shows you. Each reader sees what they have a right to; a widget that has nothing says why."""
    return await boards.figures(principal, id, lang)


async def ask(
    data: JSONBody[Question],
    principal: NamedDependency[Principal],
    questions: NamedDependency[Questions],
    lang: Lang = "en",
) -> MeasureFigures:
    """The figures of one widget, without saving it."""
    return await questions.answer(principal, data, lang)


def router(boards: Boards, questions: Questions, settings: BoardSettings) -> Router:
    rate = Rate(count=settings.query_rate_count, seconds=settings.query_rate_seconds)
    return Router(
        "/analytics",
        route_handlers=[
            create_board,
            list_boards,
            read_board,
            change_board,
            delete_board,
            get("/boards/{id:uuid}/figures", policy=READERS, rate=rate)(board_figures),
            post("/query", policy=signed_in(), rate=rate, status_code=200)(ask),
        ],
        dependencies=services(boards=boards, questions=questions),
    )
