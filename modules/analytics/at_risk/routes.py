"""The routes of students at risk, for those who teach the program."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from gateway.auth.policy import roles
from gateway.contract import Rate
from gateway.http.listing import Span
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.analytics.at_risk.at_risk import AtRisk
from modules.analytics.at_risk.messages import MessageResults, MessageToStudents, StudentsAtRisk
from modules.analytics.at_risk.student_messages import StudentMessages
from modules.analytics.boards.settings import BoardSettings

TEACHES = roles(Role.MENTOR, Role.ADMIN, owner="they teach the program, or are an admin")
Program = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]


async def list_at_risk(
    program: Program,
    span: NamedDependency[Span],
    principal: NamedDependency[Principal],
    at_risk: NamedDependency[AtRisk],
) -> StudentsAtRisk:
    """Students whose attendance, submissions or lessons fall behind, with the reasons."""
    return await at_risk.page(principal, program, span)


async def write_to_students(
    program: Program,
    data: JSONBody[MessageToStudents],
    principal: NamedDependency[Principal],
    student_messages: NamedDependency[StudentMessages],
) -> MessageResults:
    """Write to students of the program. Each gets a notification, and no second one for some time."""
    return await student_messages.send(principal, program, data)


def router(at_risk: AtRisk, student_messages: StudentMessages, settings: BoardSettings) -> Router:
    # Each reads all facts of the students of a program, and no answer is used again: people are named in it.
    rate = Rate(count=settings.query_rate_count, seconds=settings.query_rate_seconds)
    place = "/programs/{program:str}/at-risk"
    return Router(
        "/analytics",
        route_handlers=[
            get(place, policy=TEACHES, rate=rate)(list_at_risk),
            post(f"{place}/messages", policy=TEACHES, rate=rate, status_code=200)(write_to_students),
        ],
        dependencies=services(at_risk=at_risk, student_messages=student_messages),
    )
