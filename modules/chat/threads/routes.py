"""The routes of threads."""

from __future__ import annotations

from typing import Annotated, Final

from litestar import get
from litestar.di import NamedDependency
from litestar.params import PathParameter

from gateway.auth.policy import signed_in
from gateway.http.listing import Page, Span
from gateway.principal import Principal
from gateway.protocol.names import MAX_ID
from modules.chat.room_path import RoomPath
from modules.chat.threads.messages import ThreadPage, ThreadView
from modules.chat.threads.threads import Threads

READERS: Final = signed_in(owner="they take part in the room")


@get("/rooms/{room:str}/threads", policy=READERS)
async def threads_of(
    room: RoomPath,
    span: NamedDependency[Span],
    principal: NamedDependency[Principal],
    threads: NamedDependency[Threads],
) -> Page[ThreadView]:
    """The threads of a room that have replies, the one with the newest reply first."""
    return await threads.listing(principal, room, span)


@get("/rooms/{room:str}/threads/{seq:int}", policy=READERS)
async def thread_of(
    room: RoomPath,
    seq: Annotated[int, PathParameter(ge=1, le=MAX_ID)],
    span: NamedDependency[Span],
    principal: NamedDependency[Principal],
    threads: NamedDependency[Threads],
) -> ThreadPage:
    """A thread: its root, and a page of its replies, the oldest first."""
    return await threads.read(principal, room, seq, span)
