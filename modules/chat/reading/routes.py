"""The routes of reading: what is unread, and that something was read without being in its room."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from gateway.auth.policy import signed_in
from gateway.http.services import services
from gateway.principal import Principal
from modules.chat.reading.messages import Read, Unread, UnreadSummary
from modules.chat.reading.unread_counts import UnreadCounts

ROOM = "^(session|program|direct):[A-Za-z0-9_-]{1,64}$"


@get("/unread", policy=signed_in())
async def list_unread(principal: NamedDependency[Principal], counts: NamedDependency[UnreadCounts]) -> UnreadSummary:
    """The rooms that you may read, with what is unread in each and its newest message."""
    return await counts.summary(principal)


@put("/rooms/{room:str}/read", policy=signed_in())
async def read_room(
    room: Annotated[str, PathParameter(pattern=ROOM)],
    data: JSONBody[Read],
    principal: NamedDependency[Principal],
    counts: NamedDependency[UnreadCounts],
) -> Unread:
    """Say up to which message you have read a room; an older one than before changes nothing."""
    return await counts.read(principal, room, data)


def router(counts: UnreadCounts) -> Router:
    """The routes under `/chat`."""
    return Router("/chat", route_handlers=[list_unread, read_room], dependencies=services(counts=counts))
