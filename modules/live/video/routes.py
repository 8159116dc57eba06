"""The routes of a session's stream."""

from __future__ import annotations

from litestar import Router, get, post
from litestar.di import NamedDependency

from gateway.auth.policy import signed_in
from gateway.http.services import services
from gateway.principal import Principal
from modules.live.policies import HOSTS, Id
from modules.live.video.messages import CheckList, Ingest, StreamView
from modules.live.video.streams import Streams

MENTOR = signed_in(owner="it is the mentor's or a co-mentor's own session")


@get("/{id:str}/ingest", policy=MENTOR, conflict=True)
async def ingest(id: Id, principal: NamedDependency[Principal], streams: NamedDependency[Streams]) -> Ingest:
    """Where your encoder streams to, and the key that lets it in."""
    return await streams.ingest(principal, id)


@post("/{id:str}/ingest/rotate", policy=MENTOR, status_code=200)
async def rotate(id: Id, principal: NamedDependency[Principal], streams: NamedDependency[Streams]) -> Ingest:
    """Make a new stream key. The earlier key lets no encoder in any more."""
    return await streams.rotate(principal, id)


@get("/{id:str}/stream", policy=HOSTS, conflict=True)
async def stream(id: Id, principal: NamedDependency[Principal], streams: NamedDependency[Streams]) -> StreamView:
    """How the stream does: what the encoder sends, and whether it comes fast enough."""
    return await streams.health(principal, id)


@post("/{id:str}/stream/stop", policy=HOSTS, status_code=204)
async def stop(id: Id, principal: NamedDependency[Principal], streams: NamedDependency[Streams]) -> None:
    """Disconnect the encoder. The session goes on."""
    await streams.stop(principal, id)


@get("/{id:str}/checks", policy=HOSTS)
async def checks(id: Id, principal: NamedDependency[Principal], streams: NamedDependency[Streams]) -> CheckList:
    """What should be ready before the class begins."""
    return await streams.checks(principal, id)


def router(streams: Streams) -> Router:
    handlers = [ingest, rotate, stream, stop, checks]
    return Router("/sessions", route_handlers=handlers, dependencies=services(streams=streams))
