"""The board without a room."""

from __future__ import annotations

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from gateway.auth.policy import roles
from gateway.http.etag import tagged
from gateway.principal import Principal, Role
from ksmp_whiteboard.boards import Boards
from ksmp_whiteboard.messages import Board


@get("/{session:str}", policy=roles(Role.MENTOR, Role.ADMIN, owner="they teach the session"))
async def snapshot(
    session: FromPath[str], principal: NamedDependency[Principal], boards: NamedDependency[Boards]
) -> Response[Board]:
    """A session's board as it is now."""
    return tagged(await boards.read(principal, session))
