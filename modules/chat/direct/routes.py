"""The routes of direct rooms and blocks."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.params import JSONBody, PathParameter

from gateway.auth.policy import signed_in
from gateway.http.etag import IfMatch, tagged
from gateway.http.listing import Page, Span
from gateway.principal import Principal
from modules.chat.direct.blocks import Blocks
from modules.chat.direct.direct_rooms import DirectRooms
from modules.chat.direct.messages import Block, DirectChange, DirectDetail, DirectRoom, NewDirect, NewMembers

Id = Annotated[str, PathParameter(pattern="^[A-Za-z0-9_-]{1,64}$")]
MEMBER = signed_in(owner="they are in the conversation")
STAFF = signed_in(owner="they are a mentor or an admin who is in the group")
OPENER = signed_in(owner="they may write to all of these users, and are a mentor or an admin to open a group")


@post("/direct", policy=OPENER, idempotent=True)
async def open_direct(
    data: JSONBody[NewDirect], principal: NamedDependency[Principal], direct_rooms: NamedDependency[DirectRooms]
) -> Response[DirectRoom]:
    """Open a conversation. Of two users there is one, which is answered (200) when it was opened before."""
    shown, new = await direct_rooms.open(principal, data)
    return tagged(shown, status=201 if new else 200, headers={"Location": f"/api/v1/chat/direct/{shown.id}"})


@get("/direct", policy=signed_in())
async def list_direct(
    span: NamedDependency[Span], principal: NamedDependency[Principal], direct_rooms: NamedDependency[DirectRooms]
) -> Page[DirectRoom]:
    """The conversations you are in, the newest first."""
    return await direct_rooms.listing(principal, span)


# Names, and who may write, change without a revision.
@get("/direct/{id:str}", policy=MEMBER, conditional=False)
async def read_direct(
    id: Id, principal: NamedDependency[Principal], direct_rooms: NamedDependency[DirectRooms]
) -> Response[DirectDetail]:
    """One conversation, and whether you may write in it now."""
    return tagged(await direct_rooms.read(principal, id))


@patch("/direct/{id:str}", policy=STAFF)
async def rename_direct(
    id: Id,
    data: JSONBody[DirectChange],
    principal: NamedDependency[Principal],
    direct_rooms: NamedDependency[DirectRooms],
    if_match: NamedDependency[IfMatch],
) -> Response[DirectRoom]:
    """Give a group another title."""
    return tagged(await direct_rooms.rename(principal, id, data, if_match))


@post("/direct/{id:str}/members", policy=STAFF, status_code=200)
async def add_to_direct(
    id: Id,
    data: JSONBody[NewMembers],
    principal: NamedDependency[Principal],
    direct_rooms: NamedDependency[DirectRooms],
) -> Response[DirectRoom]:
    """Add users to a group, with what was written before or without it."""
    return tagged(await direct_rooms.add(principal, id, data))


@delete("/direct/{id:str}/members/{user:str}", policy=MEMBER)
async def remove_from_direct(
    id: Id, user: Id, principal: NamedDependency[Principal], direct_rooms: NamedDependency[DirectRooms]
) -> None:
    """Leave a group, or take somebody out of it as a mentor or an admin who is in it."""
    await direct_rooms.remove(principal, id, user)


@get("/blocks", policy=signed_in())
async def list_blocks(
    span: NamedDependency[Span], principal: NamedDependency[Principal], blocks: NamedDependency[Blocks]
) -> Page[Block]:
    """Whom you have blocked, the newest first."""
    return await blocks.listing(principal, span)


@put("/blocks/{user:str}", policy=signed_in(owner="the other is no admin"))
async def block(user: Id, principal: NamedDependency[Principal], blocks: NamedDependency[Blocks]) -> Response[Block]:
    """Block a user: neither of you can write to the other, and nobody puts you into one group. They are not told."""
    return tagged(await blocks.block(principal, user))


@delete("/blocks/{user:str}", policy=signed_in())
async def lift_block(user: Id, principal: NamedDependency[Principal], blocks: NamedDependency[Blocks]) -> None:
    """Lift a block; doing it again changes nothing."""
    await blocks.lift(principal, user)


HANDLERS: tuple[BaseRouteHandler, ...] = (
    open_direct,
    list_direct,
    read_direct,
    rename_direct,
    add_to_direct,
    remove_from_direct,
    list_blocks,
    block,
    lift_block,
)
