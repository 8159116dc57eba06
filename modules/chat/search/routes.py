"""The route of the search."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from gateway.auth.policy import signed_in
from gateway.contract import Rate
from gateway.http.services import services
from gateway.principal import Principal
from gateway.protocol.names import MAX_ID
from modules.chat.search.message_search import MessageSearch, Query
from modules.chat.search.messages import FoundMessages

ROOM = "^(session|program|direct):[A-Za-z0-9_-]{1,64}$"


async def search_messages(
    principal: NamedDependency[Principal],
    message_search: NamedDependency[MessageSearch],
    q: Annotated[
        str,
        QueryParameter(
            description="Words that the message has, in any order; the last may be the beginning of one",
            min_length=1,
            max_length=200,
        ),
    ],
    room: Annotated[
        str | None, QueryParameter(description="Only in this room; otherwise in all of yours", pattern=ROOM)
    ] = None,
    author: Annotated[
        str | None, QueryParameter(description="Only what this user wrote", pattern="^[A-Za-z0-9_-]{1,64}$")
    ] = None,
    before: Annotated[
        int | None, QueryParameter(description="`next` of the page before; leave out for the first", ge=1, le=MAX_ID)
    ] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100, description="Most messages to answer")] = 20,
) -> FoundMessages:
    """Messages that have these words, in the rooms that you may read now, the newest first."""
    return await message_search.search(principal, Query(q, room, author, before, limit))


def router(search: MessageSearch, rate: Rate) -> Router:
    """The routes under `/chat`."""
    handler = get("/search", policy=signed_in(), rate=rate)(search_messages)
    return Router("/chat", route_handlers=[handler], dependencies=services(message_search=search))
