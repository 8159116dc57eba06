"""The routes of entering a session, and of its stream."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter

from gateway.auth.policy import signed_in
from gateway.principal import Principal
from modules.live.admission import Admission, Admissions
from modules.live.messages import CheckList, Ingest, StreamView
from modules.live.routes import HOSTS, NAME, OF_PROGRAM
from modules.live.streams import Streams

Id = Annotated[str, PathParameter(pattern=NAME)]
MENTOR = signed_in(owner="it is the mentor's or a co-mentor's own session")


@post("/{id:str}/join", policy=OF_PROGRAM, status_code=200)
async def join(
    id: Id,
    request: Request[Any, Any, Any],
    principal: NamedDependency[Principal],
    admissions: NamedDependency[Admissions],
    public_url: NamedDependency[str],
) -> Admission:
    """All that a client needs to take part: the room, your role in it, the socket, and where to watch."""
    base = public_url or str(request.base_url).rstrip("/")
    return await admissions.join(principal, id, f"ws{base.removeprefix('http')}/realtime")


@get("/{id:str}/ingest", policy=MENTOR, conflict=True)
async def ingest(id: Id, principal: NamedDependency[Principal], streams: NamedDependency[Streams]) -> Ingest:
    """Where your encoder streams to, and the key that lets it in."""
    return await streams.ingest(principal, id)


@post("/{id:str}/ingest/rotate", policy=MENTOR, status_code=200)
async def rotate(id: Id, principal: NamedDependency[Principal], streams: NamedDependency[Streams]) -> Ingest:
    """Make a new stream key. The one before lets no encoder in any more."""
    return await streams.rotate(principal, id)


@get("/{id:str}/stream", policy=HOSTS, conflict=True)
async def stream(id: Id, principal: NamedDependency[Principal], streams: NamedDependency[Streams]) -> StreamView:
    """How the stream does: what the encoder sends, and whether it comes fast enough."""
    return await streams.read(principal, id)


@post("/{id:str}/stream/stop", policy=HOSTS, status_code=204)
async def stop(id: Id, principal: NamedDependency[Principal], streams: NamedDependency[Streams]) -> None:
    """Hang up on the encoder. The session goes on."""
    await streams.stop(principal, id)


@get("/{id:str}/checks", policy=HOSTS)
async def checks(id: Id, principal: NamedDependency[Principal], streams: NamedDependency[Streams]) -> CheckList:
    """What should be so before the class begins."""
    return await streams.checks(principal, id)
