"""The board without a room."""

from __future__ import annotations

from litestar import Response, get
from litestar.params import FromPath

from gateway.auth.policy import roles
from gateway.http.etag import tagged
from gateway.principal import Role
from ksmp_whiteboard import service
from ksmp_whiteboard.messages import Board


@get("/whiteboards/{session:str}", policy=roles(Role.MENTOR, Role.ADMIN))
async def snapshot(session: FromPath[str]) -> Response[Board]:
    """A session's board as it is now."""
    return tagged(await service.read(session))
