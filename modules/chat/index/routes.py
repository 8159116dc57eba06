"""The routes of the index, for whoever runs the platform: how far it is, and that it is made anew."""

from __future__ import annotations

from litestar import Router, get, post
from litestar.di import NamedDependency

from gateway.auth.policy import roles
from gateway.http.services import services
from gateway.principal import Principal, Role
from modules.chat.index.indexer import Indexer, IndexState

ADMINS = roles(Role.ADMIN)


@get("/index", policy=ADMINS)
async def read_index(indexer: NamedDependency[Indexer]) -> list[IndexState]:
    """How far the index of messages has followed the archive, by kind of room."""
    return await indexer.states()


@post("/index/rebuild", policy=ADMINS, status_code=202)
async def rebuild_index(principal: NamedDependency[Principal], indexer: NamedDependency[Indexer]) -> list[IndexState]:
    """Make the index anew from the archive, in the background; counts and searches go on meanwhile."""
    return await indexer.rebuild(principal)


def router(indexer: Indexer) -> Router:
    """The routes under `/chat`."""
    return Router("/chat", route_handlers=[read_index, rebuild_index], dependencies=services(indexer=indexer))
