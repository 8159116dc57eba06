"""What hosts read of a room: as JSON, and questions and polls also as CSV for a spreadsheet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from gateway.auth.policy import signed_in
from gateway.http.listing import Page, Span
from gateway.http.services import services
from gateway.http.spreadsheet import SpreadsheetOperation, spreadsheet, written
from gateway.principal import Principal
from modules.live.policies import Id
from modules.live.room.consents.messages import ConsentList
from modules.live.room.export.export import Export
from modules.live.room.export.messages import ModerationList, PollList, QuestionList
from modules.live.room.export.sheets import POLL_HEAD, QUESTION_HEAD, poll_rows, question_rows
from modules.live.room.polls.messages import CastVote

HOSTS = signed_in(owner="the session's hosts")
Format = Annotated[Literal["json", "csv"], QueryParameter(description="What it is written as")]


@dataclass
class QuestionsOperation(SpreadsheetOperation):
    sample = ",".join(QUESTION_HEAD)


@dataclass
class PollsOperation(SpreadsheetOperation):
    sample = ",".join(POLL_HEAD)


@get("/{id:str}/questions", policy=HOSTS, operation_class=QuestionsOperation)
async def questions(
    id: Id, principal: NamedDependency[Principal], export: NamedDependency[Export], format: Format = "json"
) -> Response[QuestionList]:
    """The questions of a session, dismissed ones included."""
    found = await export.questions(principal, id)
    if format == "json":
        return Response(found)
    return spreadsheet(f"questions-{id}", written(QUESTION_HEAD, question_rows(found)))


@get("/{id:str}/polls", policy=HOSTS, operation_class=PollsOperation)
async def polls(
    id: Id, principal: NamedDependency[Principal], export: NamedDependency[Export], format: Format = "json"
) -> Response[PollList]:
    """The polls and quizzes of a session with their results."""
    found = await export.polls(principal, id)
    if format == "json":
        return Response(found)
    return spreadsheet(f"polls-{id}", written(POLL_HEAD, poll_rows(found)))


@get("/{id:str}/polls/{poll:str}/ballots", policy=HOSTS)
async def ballots(
    id: Id,
    poll: Id,
    span: NamedDependency[Span],
    principal: NamedDependency[Principal],
    export: NamedDependency[Export],
) -> Page[CastVote]:
    """Who chose what in a poll that is not anonymous, by user id."""
    return await export.ballots(principal, id, poll, span)


@get("/{id:str}/moderation", policy=HOSTS)
async def moderation(id: Id, principal: NamedDependency[Principal], export: NamedDependency[Export]) -> ModerationList:
    """Who was kicked, banned, let in again or promoted in a session, and by whom."""
    return await export.moderation(principal, id)


@get("/{id:str}/consents", policy=HOSTS)
async def consents(id: Id, principal: NamedDependency[Principal], export: NamedDependency[Export]) -> ConsentList:
    """Who agrees to being recorded, who does not, and who is there without having agreed."""
    return await export.consents(principal, id)


def router(export: Export) -> Router:
    return Router(
        "/sessions",
        route_handlers=[questions, polls, ballots, moderation, consents],
        dependencies=services(export=export),
    )
