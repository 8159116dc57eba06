"""The routes of sessions and of their steps."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from gateway.auth.policy import roles, signed_in
from gateway.http.etag import IfMatch, tagged
from gateway.http.listing import Page, Span
from gateway.http.moments import MOMENT, moment
from gateway.principal import Principal, Role
from modules.live.messages import NewSession, SessionChange, SessionView
from modules.live.policies import HOSTS, NAME, OF_PROGRAM, Id
from modules.live.sessions.repository import Agenda
from modules.live.sessions.service import Sessions
from modules.live.states import SessionState, Step

Chosen = Annotated[str | None, QueryParameter(pattern=NAME)]


@get("/", policy=signed_in())
async def listing(
    span: NamedDependency[Span],
    principal: NamedDependency[Principal],
    sessions: NamedDependency[Sessions],
    program: Chosen = None,
    series: Chosen = None,
    session_state: Annotated[
        SessionState | None, QueryParameter(name="state", description="Only those in this state")
    ] = None,
    since: Annotated[str | None, QueryParameter(pattern=MOMENT, description="Only those that end after it")] = None,
    until: Annotated[str | None, QueryParameter(pattern=MOMENT, description="Only those that begin before it")] = None,
    teaching: Annotated[bool, QueryParameter(description="Only those whose mentor or co-mentor you are")] = False,
) -> Page[SessionView]:
    """Sessions that you may see, by their beginning."""
    agenda = Agenda(
        program=program, series=series, state=session_state, since=moment(since), until=moment(until), teaching=teaching
    )
    return await sessions.listing(principal, agenda, span)


@post("/", policy=roles(Role.MENTOR, Role.ADMIN, owner="they teach the program, or are an admin"), idempotent=True)
async def create(
    data: JSONBody[NewSession], principal: NamedDependency[Principal], sessions: NamedDependency[Sessions]
) -> Response[SessionView]:
    """Schedule a session."""
    session = await sessions.create(principal, data)
    return tagged(session, status=201, headers={"Location": f"/api/v1/sessions/{session.id}"})


@get("/{id:str}", policy=OF_PROGRAM)
async def read(
    id: Id, principal: NamedDependency[Principal], sessions: NamedDependency[Sessions]
) -> Response[SessionView]:
    """One session."""
    return tagged(await sessions.read(principal, id))


@patch("/{id:str}", policy=HOSTS)
async def change(
    id: Id,
    data: JSONBody[SessionChange],
    principal: NamedDependency[Principal],
    sessions: NamedDependency[Sessions],
    if_match: NamedDependency[IfMatch],
) -> Response[SessionView]:
    """Change a session. Once it runs, its beginning, its mode and whether it is recorded are settled."""
    return tagged(await sessions.change(principal, id, data, if_match))


@post("/{id:str}/open", policy=HOSTS, status_code=200)
async def open_lobby(
    id: Id, principal: NamedDependency[Principal], sessions: NamedDependency[Sessions]
) -> Response[SessionView]:
    """Open the lobby of a scheduled session: its viewers may enter the room."""
    return tagged(await sessions.step(principal, id, Step.OPEN))


@post("/{id:str}/start", policy=HOSTS, status_code=200)
async def start(
    id: Id, principal: NamedDependency[Principal], sessions: NamedDependency[Sessions]
) -> Response[SessionView]:
    """Start a session from its lobby."""
    return tagged(await sessions.step(principal, id, Step.START))


@post("/{id:str}/end", policy=HOSTS, status_code=200)
async def end(
    id: Id, principal: NamedDependency[Principal], sessions: NamedDependency[Sessions]
) -> Response[SessionView]:
    """End a session that is live."""
    return tagged(await sessions.step(principal, id, Step.END))


@post("/{id:str}/cancel", policy=HOSTS, status_code=200)
async def cancel(
    id: Id, principal: NamedDependency[Principal], sessions: NamedDependency[Sessions]
) -> Response[SessionView]:
    """Cancel a session that has not begun."""
    return tagged(await sessions.step(principal, id, Step.CANCEL))
